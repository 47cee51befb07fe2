import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredMail } from './store.ts'

/** Where emails are kept beyond the process. */
export interface MailFolder {
  /** The oldest first. */
  load(): StoredMail[]
  write(mail: StoredMail): void
  delete(mail: StoredMail): void
}

export const NO_FOLDER: MailFolder = { load: () => [], write() {}, delete() {} }

/** A JSON file per email that only its owner can read: emails contain links that reset passwords. */
export function mailFolder(folder: string): MailFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fileOf = ({ order, id }: StoredMail) => join(folder, `${order}-${id}.json`)

  return {
    load() {
      return readdirSync(folder)
        .flatMap((name) => read(join(folder, name)) ?? [])
        .toSorted((a, b) => a.order - b.order)
    },
    write: (mail) => writeFileSync(fileOf(mail), JSON.stringify(mail), { mode: 0o600 }),
    delete: (mail) => rmSync(fileOf(mail), { force: true }),
  }
}

/** Deletes the file if its writing was interrupted. */
function read(file: string): StoredMail | undefined {
  try {
    const mail = JSON.parse(readFileSync(file, 'utf8'))
    return { ...mail, createdAt: new Date(mail.createdAt) }
  } catch {
    rmSync(file, { force: true })
    return undefined
  }
}
