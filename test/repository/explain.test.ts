import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Explained, explain, fill, findStatements } from '../../scripts/explain.ts'
import type {} from '../setup/world.ts'

const ROOT = join(import.meta.dirname, '../..')
const NAME = `explain_${process.pid}`

let client: pg.Client
let explained: Explained[]

beforeAll(async () => {
  const url = new URL(inject('world').bindings['DATABASE_URL'] ?? '')
  client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query(`create database ${NAME} template accounts_template`)
  await client.end()
  url.pathname = `/${NAME}`
  client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await fill(client, 1_000)
  // As if the tables were large: PostgreSQL uses an index wherever it can.
  await client.query('set enable_seqscan = off')
  explained = await explain(client)
})
afterAll(() => client?.end())

describe('npm run explain', () => {
  test('prints every statement of src/db', async () => {
    const defined = globSync('src/db/*.ts', { cwd: ROOT })
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .flatMap((source) => source.match(/^export const \w+ = (?:read|write)\(/gm) ?? [])
    const names = [...(await findStatements()).keys()].filter(
      (name) => name.split('.').length === 2,
    )
    expect(names.length).toBe(defined.length)
    expect(names.length).toBeGreaterThan(15)
  })

  /** Small tables: 32 rows of totals, and the resets of fifteen minutes. */
  const SCANNED = /^user-list\.listUsers\.[\w-]+: user_totals$|^pruning\.prune: password_resets$/

  test('plans every statement with an index', () => {
    const scans = explained.flatMap(({ name, plan }) =>
      [...plan.matchAll(/Seq Scan on (\w+)/g)].map(([, table]) => `${name}: ${table}`),
    )
    expect(scans.filter((scan) => !SCANNED.test(scan))).toEqual([])
    expect(scans.some((scan) => SCANNED.test(scan))).toBe(true) // The pattern still matches scans.
  })

  test('runs the statements on accounts, sessions and resets that exist', () => {
    const [found] = explained.filter(({ name }) => name === 'users.findUser')
    expect(found?.plan).toMatch(/^Nested Loop.*\(actual rows=1/)
  })
})
