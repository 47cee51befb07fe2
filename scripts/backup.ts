// `npm run backup`: a dump of the database at DATABASE_URL, read back and counted.
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { readContents } from './backup/contents.ts'
import { type Manifest, manifestOf, sha256 } from './backup/manifest.ts'
import { findPrograms, type Programs, run } from './backup/programs.ts'
import { CommandError, runCommand } from './command-line.ts'
import { connectTo, requireDirect } from './postgres.ts'
import { databaseUrlOf } from './variables.ts'

/** The dump is of the snapshot in which `client` counts, whatever is written meanwhile. */
async function dump(client: pg.Client, url: string, file: string): Promise<Manifest> {
  const createdAt = new Date()
  await client.query('begin isolation level repeatable read read only')
  const [{ snapshot, version }] = (
    await client.query<{ snapshot: string; version: number }>(
      `select pg_export_snapshot() as snapshot, current_setting('server_version_num')::int as version`,
    )
  ).rows as [{ snapshot: string; version: number }]
  const server = Math.floor(version / 10_000)
  const programs = findPrograms(server)
  const what = ['--format=custom', '--no-owner', '--no-privileges', `--snapshot=${snapshot}`]
  await run(programs, 'pg_dump', [...what, '--file', file], url)
  const contents = await readContents(client)
  await readBack(programs, file, Object.keys(contents.tables).length)
  return {
    created_at: createdAt.toISOString(),
    bytes: (await stat(file)).size,
    sha256: await sha256(file),
    server,
    pg_dump: programs.major,
    contents,
  }
}

/** Reads all of it, as a restore would. @throws {CommandError} if it is not whole */
async function readBack(programs: Programs, file: string, tables: number): Promise<void> {
  await run(programs, 'pg_restore', ['--file', '/dev/null', file])
  const list = await run(programs, 'pg_restore', ['--list', file])
  const dumped = list.match(/^\d+; \d+ \d+ TABLE DATA /gm)?.length ?? 0
  if (dumped !== tables) throw new CommandError(`The dump has ${dumped} of ${tables} tables.`)
}

/** Nothing has the name of a backup before it is one. @returns the file, and what is known of it */
async function backUp(url: string, folder: string): Promise<{ file: string; manifest: Manifest }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const time = new Date().toISOString().replace(/\.\d+/, '').replaceAll(':', '-')
  const file = join(folder, `accounts-${time}.dump`)
  const partial = `${file}.partial`
  await (await open(partial, 'wx', 0o600)).close()
  const client = await connectTo(url)
  try {
    const manifest = await dump(client, url, partial)
    await writeFile(manifestOf(file), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
    await rename(partial, file)
    return { file, manifest }
  } finally {
    await rm(partial, { force: true })
    await client.end()
  }
}

await runCommand(
  {
    name: 'npm run backup',
    about: `Dumps the database at DATABASE_URL to a file that only you can read, reads it back, and counts what is in
it, in the same snapshot.`,
    options: {
      to: { type: 'string', value: '<folder>', about: 'where to', default: 'backups' },
    },
    details: `The connection must be direct, not through Neon's pooler, and pg_dump of the server's version or later. It
has emails and password hashes: encrypt it before it leaves this machine (\`age\`, see docs/runbooks.md).

Not in it: secrets (without the same SECRET_KEY all sessions end), Redis (counts only), messages in the
queue (reset requests of the last minutes), roles of the database.`,
  },
  async ({ values: { to } }) => {
    const url = databaseUrlOf(process.env, 'npm run backup')
    requireDirect(url)
    const startedAt = performance.now()
    const { file, manifest } = await backUp(url, to)
    const { bytes, contents } = manifest
    const rows = Object.values(contents.tables).reduce((sum, table) => sum + table.rows, 0)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(
      [
        `${file}: ${rows} rows of ${Object.keys(contents.tables).length} tables, ${(bytes / 2 ** 20).toFixed(1)} MiB, in ${seconds} s`,
        `SHA-256 ${manifest.sha256}`,
        `Newest row: ${contents.newest_row ?? 'none'}. Whether it restores: npm run restore-drill -- ${file}`,
      ].join('\n'),
    )
  },
)
