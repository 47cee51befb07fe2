/** What is known of a backup, in a file beside it. It has no personal data. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { CommandError } from '../command-line.ts'
import { Contents } from './contents.ts'

export const Manifest = z.object({
  created_at: z.iso.datetime(),
  bytes: z.int(),
  sha256: z.string(),
  /** Major versions. */
  server: z.int(),
  pg_dump: z.int(),
  contents: Contents,
})

export type Manifest = z.output<typeof Manifest>

export const manifestOf = (dump: string) => dump.replace(/\.dump$/, '.json')

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** The newest in a folder, by its name. @throws {CommandError} if there is none */
export async function newestBackup(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => [])
  const newest = names
    .filter((name) => /^accounts-.*\.dump$/.test(name))
    .toSorted()
    .at(-1)
  if (newest === undefined)
    throw new CommandError(`There is no backup in ${folder}. Make one: npm run backup`, 2)
  return join(folder, newest)
}

/** The manifest of a backup that is as it was made. @throws {CommandError} if it is not */
export async function readManifest(dump: string): Promise<Manifest> {
  const file = manifestOf(dump)
  const json = await readFile(file, 'utf8').catch(() => {
    throw new CommandError(`Can't read ${file}, which belongs to the backup.`, 2)
  })
  const manifest = Manifest.parse(JSON.parse(json))
  const actual = await sha256(dump).catch(() => {
    throw new CommandError(`Can't read ${dump}.`, 2)
  })
  if (actual !== manifest.sha256) {
    throw new CommandError(`${dump} is damaged: its SHA-256 is not the one in ${file}.`)
  }
  return manifest
}
