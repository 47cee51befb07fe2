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

/** Redis did not respond, or not as expected. The driver's message is dropped: it contains addresses. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
}

/** For `catch` of a promise, and a response that can't be. */
export function redisUnavailable(): never {
  throw new RedisUnavailable()
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
