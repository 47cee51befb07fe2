import { sql } from 'drizzle-orm'
import * as z from 'zod'
import { type Database, theRow } from './client.ts'

const Pong = z.object({ alive: z.literal(1) })

/** Asks the database for nothing but an answer. Not retried: a probe tells what is, not what may be. */
export const pingDatabase = ({ write }: Database) => theRow(write, Pong, sql`select 1 as alive`)
