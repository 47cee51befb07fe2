import { Redis } from '@upstash/redis/cloudflare'
import { timeoutSignal } from './timeout.ts'

export type { Redis }

type Options = {
  redis: { url: string; token: string }
  /** Milliseconds for one response. */
  timeoutMs: number
  /** Sends in one call what is asked before the next await. */
  pipelined?: boolean
}

/** Upstash Redis over REST. Nothing is opened, and nothing is sent twice. */
export const connectRedis = ({ redis: { url, token }, timeoutMs, pipelined = false }: Options) =>
  new Redis({
    url,
    token,
    retry: { retries: 0 },
    signal: () => timeoutSignal(timeoutMs),
    enableAutoPipelining: pipelined,
    // Would share state between requests, which workerd keeps apart.
    readYourWrites: false,
    enableTelemetry: false,
    // Numbers and JSON need no base64.
    responseEncoding: false,
  })
