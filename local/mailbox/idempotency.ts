import { createHash } from 'node:crypto'
import { ResendError } from './errors.ts'

/** @see https://resend.com/docs/dashboard/emails/idempotency-keys */
const LIFETIME_MS = 24 * 60 * 60 * 1000

/** Only bounds memory: a day of development needs far fewer. */
const MAX_KEYS = 10_000

type Entry =
  | { state: 'in progress' }
  | { state: 'done'; fingerprint: string; response: object; at: number }

/** The responses to requests with an idempotency key in the last 24 hours. */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>()

  /**
   * Reserves the key before the body is read, calls `run`, and stores its response. Returns the stored
   * response for the same request, without calling `run`. After an error the key can be used again.
   *
   * @throws ResendError if the key is malformed, was used with another body, or belongs to a request
   *   that is in progress
   */
  async once(
    key: string,
    readBody: () => Promise<Buffer>,
    run: (body: Buffer) => object,
  ): Promise<object> {
    if (key.length < 1 || key.length > 256) {
      throw new ResendError('invalid_idempotency_key', 'The key must be between 1-256 chars.')
    }
    const known = this.#find(key)
    if (known?.state === 'in progress') {
      const problem = 'Same idempotency key used while original request is still in progress.'
      throw new ResendError('concurrent_idempotent_requests', problem)
    }
    if (known) return replay(known, await readBody())

    this.#entries.set(key, { state: 'in progress' })
    try {
      const body = await readBody()
      const response = run(body)
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

  #find(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.state === 'done' && entry.at < Date.now() - LIFETIME_MS) this.#entries.delete(key)
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
