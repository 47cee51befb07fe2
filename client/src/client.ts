import type { Client, ClientOptions } from './types.ts'

/** A client of the service at `url`. It sends nothing until it is called. */
export declare function createClient(options: ClientOptions): Client
