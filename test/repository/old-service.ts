/** Databases of the former service, and `npm run adopt` as a program. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parse } from 'csv-parse/sync'
import pg from 'pg'
import { expect, inject, onTestFinished } from 'vitest'
import { addAwkward, addUsers, createOldTables, type Form } from '../../bench/adopt/old-database.ts'
import type {} from '../setup/world.ts'

const ADOPT = join(import.meta.dirname, '../../scripts/adopt.ts')

/** A database of the tests, and a connection to it. */
export type Connected = {
  url: string
  query(statement: string, values?: unknown[]): Promise<any[]>
}

/** A new database: a copy of `accounts_template`, migrated and empty, unless told otherwise. */
export async function newDatabase(template = 'accounts_template'): Promise<Connected> {
  const url = new URL(inject('world').bindings['DATABASE_URL'] ?? '')
  const name = `adopt_${randomUUID().replaceAll('-', '')}`
  url.pathname = '/postgres'
  const maintenance = new pg.Client({ connectionString: url.href })
  await maintenance.connect()
  await maintenance.query(`create database ${name} template ${template}`)
  await maintenance.end()
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: url.href, options: '-c timezone=UTC' })
  await client.connect()
  onTestFinished(() => client.end())
  return {
    url: url.href,
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

export type Adopted = {
  code: unknown
  stdout: string
  stderr: string
  /** Undefined: there is none. */
  report: ReportLine[] | undefined
}

export const reportFile = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'adopt-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'report.csv')
}

export function start(args: string[]): ChildProcessWithoutNullStreams {
  const { PATH = '', HOME = '' } = process.env
  return spawn(process.execPath, [ADOPT, ...args], { env: { PATH, HOME } })
}

/** Runs the command between two databases. */
export async function adopt(from: Connected, to: Connected, ...args: string[]): Promise<Adopted> {
  const file = await reportFile()
  const child = start(['--from', from.url, '--to', to.url, '--report', file, ...args])
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  expect(stdout + stderr).not.toMatch(/^\s+at /m)
  expect(stdout + stderr).not.toContain(new URL(to.url).password)
  const csv = await readFile(file, 'utf8').catch(() => undefined)
  const report = csv === undefined ? undefined : parse<ReportLine>(csv, { columns: true })
  return { code, stdout, stderr, report }
}

/** Every column of the accounts, but for when they were adopted. */
export const accountsOf = ({ query }: Connected, table: 'users' | 'admins') =>
  query(`select to_jsonb(a) - 'adopted_at' as account from ${table} a order by id`)
