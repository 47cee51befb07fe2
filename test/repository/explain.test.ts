import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Explained, explain, fill, findStatements } from '../../scripts/explain.ts'
import { newDatabase } from '../setup/new-database.ts'

const ROOT = join(import.meta.dirname, '../..')
/** More than a search counts. */
const ACCOUNTS = 12_000

let client: pg.Client
let explained: Explained[]

beforeAll(async () => {
  client = new pg.Client({ connectionString: await newDatabase() })
  await client.connect()
  await fill(client, ACCOUNTS)
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

  /** Small tables: 34 rows of totals, the admins, and the resets of fifteen minutes. */
  const SCANNED =
    /^(user-list\.\w+\.[\w-]+|gauges\.readGauges): (deleted_)?user_totals$|^gauges\.readGauges: admins$|^pruning\.deleteBatch\.(admin_)?resets: (admin_)?password_resets$/

  test('plans every statement with an index', () => {
    const scans = explained.flatMap(({ name, plan }) =>
      [...plan.matchAll(/Seq Scan on (\w+)/g)].map(([, table]) => `${name}: ${table}`),
    )
    expect(scans.filter((scan) => !SCANNED.test(scan))).toEqual([])
    expect(scans.some((scan) => SCANNED.test(scan))).toBe(true) // The pattern still matches scans.
  })

  test('runs the statements on accounts, sessions and resets that exist', () => {
    const [found] = explained.filter(({ name }) => name === 'users.findUser')
    expect(found?.plan).toMatch(/^Index Scan using users_pkey.*\(actual rows=1/)
  })

  // The search is on 11,880 users, more than it counts.
  test.each([
    ['user-list.listUsers.-created_at', { after: '500' }, /users_(live|pkey)/, 11],
    ['user-list.listUsers.-created_at', { isActive: false }, /users_disabled/, 11],
    ['user-list.listUsers.-created_at', { deleted: true }, /users_deleted/, 11],
    ['user-list.listUsers.username', { after: 'user500' }, /users_username_key/, 11],
    ['user-list.listUsersByNumber.-created_at', { offset: 900 }, /users_(live|pkey)/, 901],
    ['user-list.listUsersByNumber.-created_at', { offset: 11_000 }, /users_(live|pkey)/, 880],
    ['user-list.listUsersByNumber.-created_at', { deleted: true }, /users_deleted/, 11],
    ['user-search.searchUsers.-created_at', { search: 'user50' }, /users_(search_)?username/, 111],
    ['user-search.searchUsers.-created_at', { search: 'u' }, /Only.* users_search_email/, 10_001],
  ])('plans %s with %j by %s, at most %i users read at once', (name, values, index, most) => {
    const [found] = explained.filter(
      (each) =>
        each.name === name &&
        Object.entries(values).every(([parameter, value]) => each.values[parameter] === value),
    )
    const scans = found?.plan.match(/Index.* on users .*\(actual rows=\d+/g) ?? []
    const rows = scans.map((scan) => Number(scan.match(/\d+$/)?.[0]))
    expect(scans.join('\n')).toMatch(index)
    expect(Math.max(...rows)).toBeLessThanOrEqual(most)
    expect(found?.plan).not.toMatch(/Rows Removed by Filter: \d{4}/)
  })
})
