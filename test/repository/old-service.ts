/** Databases of the former service, and `npm run adopt` as a program. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { addAwkward, addUsers, createOldTables, type Form } from '../../bench/adopt/old-database.ts'
import { type Options, type Outcome, adopt as runAdoption } from '../../scripts/adopt/run.ts'
import { newDatabase as createDatabase } from '../setup/new-database.ts'
import { endOf, startProgram } from '../setup/program.ts'

/** A database of the tests, and a connection to it. */
export type Connected = {
  url: string
  query(statement: string, values?: unknown[]): Promise<any[]>
}

/** A new database, and a connection to it. */
export async function newDatabase(template?: string): Promise<Connected> {
  const url = await createDatabase(template)
  const client = new pg.Client({ connectionString: url, options: '-c timezone=UTC' })
  await client.connect()
  onTestFinished(() => client.end())
  return {
    url,
    query: async (statement, values) => (await client.query(statement, values)).rows,
  }
}

/** A database of the former service, with every awkward row and some ordinary ones. */
export async function oldDatabase(form: Form, users = 20): Promise<Connected> {
  const database = await newDatabase('template1')
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await createOldTables(client, form)
  await addUsers(client, form, users)
  await addAwkward(client, form)
  await client.end()
  return database
}

export type ReportLine = Record<
  'table' | 'id' | 'action' | 'field' | 'reason' | 'old' | 'new' | 'decision',
  string
>

export const reportFile = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'adopt-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'report.csv')
}

/** Undefined: there is none. */
const readReport = async (file: string) => {
  const csv = await readFile(file, 'utf8').catch(() => undefined)
  return csv === undefined ? undefined : parse<ReportLine>(csv, { columns: true })
}

/** Does what the command does, with `--apply` unless told otherwise. */
export async function adopt(
  from: Connected,
  to: Connected,
  options: Partial<Options> = {},
): Promise<{ outcome: Outcome; report: ReportLine[] }> {
  const file = await reportFile()
  const outcome = await runAdoption({
    ...{ fromUrl: from.url, toUrl: to.url, schema: undefined, reportFile: file },
    ...{ isApplied: true, isSince: false, isMerged: false, decisions: new Map() },
    progress: { begin() {}, advance() {}, end() {} },
    ...options,
  })
  return { outcome, report: (await readReport(file)) ?? [] }
}

/** Starts the command, between two databases. */
export const startAdopting = (from: Connected, to: Connected, ...args: string[]) =>
  startProgram('scripts/adopt.ts', args, { OLD_DATABASE_URL: from.url, DATABASE_URL: to.url })

/** Runs the command, between two databases. */
export async function adoptAsProgram(from: Connected, to: Connected, ...args: string[]) {
  const file = await reportFile()
  const ended = await endOf(startAdopting(from, to, '--report', file, ...args))
  expect(ended.stdout + ended.stderr).not.toContain(new URL(to.url).password)
  return { ...ended, report: await readReport(file) }
}

/** Every column of the accounts, but for when they were adopted. */
export const accountsOf = ({ query }: Connected, table: 'users' | 'admins') =>
  query(`select to_jsonb(a) - 'adopted_at' as account from ${table} a order by id`)

/** Whether a run waits to read the users: somebody has locked the table. */
export const isReadingHeldUp = ({ query }: Connected) =>
  query(`select from pg_locks where not granted and relation = 'users'::regclass
    and database = (select oid from pg_database where datname = current_database())`)
