import { randomUUID } from 'node:crypto'
import { type MailFolder, NO_FOLDER } from './folder.ts'
import type { Mail } from './mail.ts'

export interface StoredMail extends Mail {
  id: string
  /** Later emails have higher numbers: the time in milliseconds, or one more than the one before. */
  order: number
  messageId: string
  createdAt: Date
  idempotencyKey: string | null
}

interface Page {
  mails: StoredMail[]
  hasMore: boolean
}

/** What is kept at most. The oldest emails are deleted first, but never the newest one. */
export interface Limits {
  emails: number
  bytes: number
}

const sizeOf = ({ html, text, subject }: Mail) =>
  Buffer.byteLength(`${html ?? ''}${text ?? ''}${subject}`)

/** The emails, newest first. */
export class MailStore {
  readonly #mails: StoredMail[] = []
  readonly #listeners = new Set<() => void>()
  readonly #limits: Limits
  readonly #folder: MailFolder
  #bytes = 0

  constructor(limits: Limits, folder = NO_FOLDER) {
    this.#limits = limits
    this.#folder = folder
    for (const mail of folder.load()) this.#keep(mail)
  }

  add(mail: Mail, idempotencyKey: string | null): StoredMail {
    const id = randomUUID()
    const messageId = `<${id}@mailbox.localhost>`
    const createdAt = new Date()
    const order = Math.max(createdAt.getTime(), (this.#mails[0]?.order ?? 0) + 1)
    const stored = { ...mail, id, order, messageId, createdAt, idempotencyKey }
    this.#folder.write(stored)
    this.#keep(stored)
    this.#notify()
    return stored
  }

  #keep(mail: StoredMail): void {
    this.#mails.unshift(mail)
    this.#bytes += sizeOf(mail)
    const isFull = () =>
      this.#mails.length > this.#limits.emails || this.#bytes > this.#limits.bytes
    while (this.#mails.length > 1 && isFull()) this.#deleteOldest()
  }

  #deleteOldest(): void {
    const mail = this.#mails.pop()
    if (!mail) return
    this.#bytes -= sizeOf(mail)
    this.#folder.delete(mail)
  }

  all(): readonly StoredMail[] {
    return this.#mails
  }

  /** Those that have every word in an address, the subject or the text, in any case. */
  search(words: string): readonly StoredMail[] {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
    if (wanted.length === 0) return this.#mails
    return this.#mails.filter(({ from, to, cc, bcc, subject, text }) => {
      const searched = [from, ...to, ...cc, ...bcc, subject, text].join('\n').toLowerCase()
      return wanted.every((word) => searched.includes(word))
    })
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
    while (this.#mails.length > 0) this.#deleteOldest()
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
