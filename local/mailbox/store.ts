import { randomUUID } from 'node:crypto'
import type { Mail } from './mail.ts'

export interface StoredMail extends Mail {
  id: string
  messageId: string
  createdAt: Date
  idempotencyKey: string | null
}

interface Page {
  mails: StoredMail[]
  hasMore: boolean
}

/** The emails in memory, newest first. The oldest are deleted when there are more than `capacity`. */
export class MailStore {
  readonly #mails: StoredMail[] = []
  readonly #listeners = new Set<() => void>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(mail: Mail, idempotencyKey: string | null): StoredMail {
    const id = randomUUID()
    const messageId = `<${id}@mailbox.localhost>`
    const stored = { ...mail, id, messageId, createdAt: new Date(), idempotencyKey }
    this.#mails.unshift(stored)
    this.#mails.length = Math.min(this.#mails.length, this.#capacity)
    this.#notify()
    return stored
  }

  all(): readonly StoredMail[] {
    return this.#mails
  }

  get(id: string): StoredMail | undefined {
    return this.#mails.find((mail) => mail.id === id)
  }

  /**
   * Up to `limit` emails next to the one with the id `after` (older) or `before` (newer).
   *
   * @returns undefined if there is no email with that id
   */
  page(limit: number, after?: string, before?: string): Page | undefined {
    const cursor = after ?? before
    const at = this.#mails.findIndex((mail) => mail.id === cursor)
    if (cursor !== undefined && at < 0) return undefined
    if (before !== undefined) {
      const start = Math.max(0, at - limit)
      return { mails: this.#mails.slice(start, at), hasMore: start > 0 }
    }
    const end = at + 1 + limit
    return { mails: this.#mails.slice(at + 1, end), hasMore: end < this.#mails.length }
  }

  clear(): void {
    this.#mails.length = 0
    this.#notify()
  }

  /** @returns a function that ends the subscription */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}
