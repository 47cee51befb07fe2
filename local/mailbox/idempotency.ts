import { createHash } from 'node:crypto'
import { ResendError } from './errors.ts'

/** @see https://resend.com/docs/dashboard/emails/idempotency-keys */
const KEPT_MS = 24 * 60 * 60 * 1000

/** A bound on memory only; a day of development stays far below. */
const MAX_KEYS = 10_000

type Entry =
  | { state: 'open' }
  | { state: 'done'; fingerprint: string; response: object; at: number }

/** Keeps the responses to the requests of the last 24 hours that had a key. */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>()

  /**
   * Claims the key before the body is read, runs `act`, and keeps its response. The same request
   * again returns the kept response and does not run `act`.
   *
   * @throws ResendError when the key is malformed, in use by a request under way, or was used
   *   with another body. A request that failed may be sent again with its key.
   */
  async once(
    key: string,
    readBody: () => Promise<Buffer>,
    act: (body: Buffer) => object,
  ): Promise<object> {
    if (key.length < 1 || key.length > 256) {
      throw new ResendError('invalid_idempotency_key', 'The key must be between 1-256 chars.')
    }
    const known = this.#fresh(key)
    if (known?.state === 'open') {
      const problem = 'Same idempotency key used while original request is still in progress.'
      throw new ResendError('concurrent_idempotent_requests', problem)
    }
    if (known) return replay(known, await readBody())

    this.#entries.set(key, { state: 'open' })
    try {
      const body = await readBody()
      const response = act(body)
      const fingerprint = fingerprintOf(body)
      this.#entries.set(key, { state: 'done', fingerprint, response, at: Date.now() })
      return response
    } catch (error) {
      this.#entries.delete(key)
      throw error
    }
  }

  clear(): void {
    this.#entries.clear()
  }

  #fresh(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.state === 'done' && entry.at < Date.now() - KEPT_MS) this.#entries.delete(key)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= MAX_KEYS && oldest !== undefined) this.#entries.delete(oldest)
    return this.#entries.get(key)
  }
}

function replay(entry: Extract<Entry, { state: 'done' }>, body: Buffer): object {
  if (entry.fingerprint === fingerprintOf(body)) return entry.response
  const problem = 'Same idempotency key used with a different request payload.'
  throw new ResendError('invalid_idempotent_request', problem)
}

function fingerprintOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
