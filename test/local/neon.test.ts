import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { neon, neonConfig } from '@neondatabase/serverless'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { startNeonGateway } from '../../local/neon/index.ts'
import { startTemporaryPostgres } from '../../local/postgres/index.ts'
import { freePort } from '../../local/process/ports.ts'

const postgres = await startTemporaryPostgres({ database: 'neon' })
const gateway = await startNeonGateway({ connectTo: `postgresql://127.0.0.1:${postgres.port}` })
neonConfig.fetchEndpoint = () => `${gateway.url}/sql`
const sql = neon(postgres.url)
await sql`CREATE TABLE pets (id integer PRIMARY KEY, name text NOT NULL UNIQUE)`
await sql`CREATE TABLE late (pet integer REFERENCES pets DEFERRABLE INITIALLY DEFERRED)`
afterAll(async () => {
  await gateway.close()
  await postgres.stop()
})
beforeEach(async () => {
  await sql`TRUNCATE pets CASCADE`
})

const ONE = JSON.stringify({ query: 'SELECT 1' })
const HEADERS = {
  'neon-connection-string': postgres.url,
  'neon-raw-text-output': 'true',
  'neon-array-mode': 'true',
}

/** Sends a request that the driver would not send. */
async function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  { url } = gateway,
) {
  const request = { method: 'POST', body, headers: { ...HEADERS, ...headers } }
  const response = await fetch(`${url}/sql`, request)
  return { status: response.status, headers: response.headers, body: await response.json() }
}

const OTHER_SERVER = expect.stringMatching(
  /^this gateway only connects to 127\.0\.0\.1:\d+, not to /,
)

const pets = () => sql`SELECT id, name FROM pets ORDER BY id`

/** The URL with one part replaced. */
function urlWith(change: Partial<Pick<URL, 'password' | 'username' | 'pathname' | 'port'>>) {
  return Object.assign(new URL(postgres.url), change).href
}

test('rows are objects, or arrays in array mode', async () => {
  expect(await sql`SELECT ${7}::int AS n, ${'a'} AS t, ${null}::text AS nothing`).toEqual([
    { n: 7, t: 'a', nothing: null },
  ])
  const arrays = neon(postgres.url, { arrayMode: true })
  expect(await arrays`SELECT 1 AS same, 2 AS same`).toEqual([[1, 2]])
})

test('full results include the command, the row count and the fields', async () => {
  const full = neon(postgres.url, { fullResults: true })
  const inserted = await full`INSERT INTO pets VALUES (1, 'a'), (2, 'b')`
  expect(inserted).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [] })
  const selected = await full`SELECT id, name FROM pets ORDER BY id`
  expect(selected).toMatchObject({ command: 'SELECT', rowCount: 2, rowAsArray: false })
  expect(selected.fields[0]).toEqual({
    name: 'id',
    dataTypeID: 23,
    tableID: expect.any(Number),
    columnID: 1,
    dataTypeSize: 4,
    dataTypeModifier: -1,
    format: 'text',
  })
  expect(await full`CREATE TABLE created ()`).toMatchObject({ command: 'CREATE', rowCount: null })
})

test.each([
  ['9007199254740993::int8', '9007199254740993'],
  ['1.50::numeric', '1.50'],
  ['true', true],
  ['1.5::float8', 1.5],
  ["'2026-01-02T03:04:05.678Z'::timestamptz", new Date('2026-01-02T03:04:05.678Z')],
  ["'\\xdeadbeef'::bytea", Buffer.from('deadbeef', 'hex')],
  [`'{"a": [1, null]}'::jsonb`, { a: [1, null] }],
  ['ARRAY[1, NULL, 3]', [1, null, 3]],
  [`ARRAY['a,b', 'c"d', NULL, 'NULL']`, ['a,b', 'c"d', null, 'NULL']],
  ['NULL', null],
])('SELECT %s returns what the driver expects', async (expression, value) => {
  expect(await sql.query(`SELECT ${expression} AS value`)).toEqual([{ value }])
})

test.each([
  ['bytea', Buffer.from('00ff', 'hex')],
  ['timestamptz', new Date('2026-01-02T03:04:05.678Z')],
  ['text[]', ['a', 'b"c', null]],
  ['jsonb', { a: 1 }],
])('a %s parameter is returned as sent', async (type, value) => {
  expect(await sql.query(`SELECT $1::${type} AS value`, [value])).toEqual([{ value }])
})

test('an open transaction does not affect the next request', async () => {
  await sql.query('BEGIN')
  await Promise.all([1, 2, 3, 4, 5].map((id) => sql`INSERT INTO pets VALUES (${id}, ${id})`))
  expect(await sql`SELECT count(*)::int AS n FROM pets`).toEqual([{ n: 5 }])
})

test('20 statements run in parallel', async () => {
  const numbers = Array.from({ length: 20 }, (_, n) => ({ n }))
  const results = await Promise.all(
    numbers.map(({ n }) => sql`SELECT ${n}::int AS n, pg_sleep(0.05)::text AS s`),
  )
  expect(results.flat()).toMatchObject(numbers)
})

test('all statements of a batch run in one transaction', async () => {
  const query = () => sql`SELECT txid_current() AS id`
  const [first, second] = await sql.transaction([query(), query()])
  expect(first).toEqual(second)
})

test.each([
  ['a statement', ['pets VALUES (1, $$a$$)', 'pets VALUES (1, $$b$$)'], '23505'],
  ['the commit', ['pets VALUES (1, $$a$$)', 'late VALUES (9)'], '23503'],
])('an error of %s rolls the batch back', async (_, inserts, code) => {
  const batch = sql.transaction(inserts.map((insert) => sql.query(`INSERT INTO ${insert}`)))
  await expect(batch).rejects.toMatchObject({ code })
  expect(await pets()).toEqual([])
})

test.each([
  ['ReadUncommitted', 'read uncommitted'],
  ['ReadCommitted', 'read committed'],
  ['RepeatableRead', 'repeatable read'],
  ['Serializable', 'serializable'],
] as const)('a batch runs at isolation level %s', async (isolationLevel, setting) => {
  const [rows] = await sql.transaction([sql`SHOW transaction_isolation`], { isolationLevel })
  expect(rows).toEqual([{ transaction_isolation: setting }])
})

test('a batch can be read-only and deferrable', async () => {
  const options = { isolationLevel: 'Serializable', readOnly: true, deferrable: true } as const
  const [rows] = await sql.transaction([sql`SHOW transaction_deferrable`], options)
  expect(rows).toEqual([{ transaction_deferrable: 'on' }])
  const write = sql.transaction([sql`INSERT INTO pets VALUES (1, 'a')`], { readOnly: true })
  await expect(write).rejects.toMatchObject({ code: '25006' })
})

test('the response to a batch repeats its options, and an unknown isolation level is 400', async () => {
  const body = JSON.stringify({ queries: [{ query: 'SELECT 1', params: [] }] })
  const good = await post(body, { 'neon-batch-read-only': 'true' })
  expect(good.headers.get('neon-batch-read-only')).toBe('true')
  const bad = await post(body, { 'neon-batch-isolation-level': 'Chaos' })
  expect(bad).toMatchObject({ status: 400, body: { message: 'invalid isolation level' } })
})

const duplicate = {
  name: 'NeonDbError',
  message: 'duplicate key value violates unique constraint "pets_name_key"',
  code: '23505',
  severity: 'ERROR',
  constraint: 'pets_name_key',
  schema: 'public',
  table: 'pets',
  detail: 'Key (name)=(a) already exists.',
  routine: '_bt_check_unique',
}

test.each([
  [`INSERT INTO pets VALUES (1, 'a'), (2, 'a')`, duplicate],
  ['INSERT INTO pets VALUES (2, NULL)', { code: '23502', column: 'name' }],
  ['SELECT FRM', { code: '42703', position: '8' }],
  ['SELECT 1; SELECT 2', { code: '42601' }],
  ['SELECT pg_terminate_backend(pg_backend_pid())', { code: '57P01' }],
])('%s has all error fields, and the next request works', async (statement, fields) => {
  await expect(sql.query(statement)).rejects.toMatchObject(fields)
  expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
})

test('a wrong password is 400 without a code, like Neon', async () => {
  const message = `password authentication failed for user 'app'`
  const wrong = neon(urlWith({ password: 'wrong' }))
  await expect(wrong`SELECT 1`).rejects.toMatchObject({ message, code: '' })
})

test('an unknown database is 500, and so is a server that is down', async () => {
  await expect(neon(urlWith({ pathname: '/nowhere' }))`SELECT 1`).rejects.toThrow(
    /HTTP status 500.*database \\"nowhere\\" does not exist.*3D000/,
  )
  const connectTo = urlWith({ port: String(await freePort()) })
  const other = await startNeonGateway({ connectTo })
  const down = await post(ONE, { 'neon-connection-string': connectTo }, other)
  const message = expect.stringContaining('ECONNREFUSED')
  expect(down).toMatchObject({ status: 500, body: { message } })
  await other.close()
})

test.each([
  ['mysql://a:b@h/d', 'incorrect scheme'],
  ['nonsense', 'invalid connection string: relative URL without a base'],
  ['postgresql://a:b@127.0.0.1', 'missing database name'],
  ['postgresql://127.0.0.1/d', 'missing username'],
  ['postgresql://a:b@/d', 'invalid connection string: invalid host or port'],
  ['postgresql://a@127.0.0.1/d', 'missing authentication credentials: required password'],
  ['postgresql://a:b@example.com/d', OTHER_SERVER],
  ['postgresql://a:b@127.0.0.1:1/d', OTHER_SERVER],
  ['postgresql://a:b@169.254.169.254:80/d', OTHER_SERVER],
])('the connection string %s is 400', async (connectionString, message) => {
  const rejected = await post(ONE, { 'neon-connection-string': connectionString })
  expect(rejected).toMatchObject({ status: 400, body: { message, code: '' } })
})

test.each([
  '',
  '{',
  '[]',
  '{}',
  '{"query": 1}',
  '{"query": "SELECT 1", "params": 1}',
  '{"query": "SELECT $1", "params": [1]}',
])('the body %j is 400', async (body) => {
  const message = expect.stringMatching(/^could not parse the HTTP request body: /)
  expect(await post(body)).toMatchObject({ status: 400, body: { message } })
})

test.each(['neon-raw-text-output', 'neon-array-mode'])('without %s is 400', async (name) => {
  expect((await post(ONE, { [name]: 'false' })).status).toBe(400)
})

test('other paths and methods are 400, a request over 64 MB is 413', async () => {
  expect((await fetch(`${gateway.url}/sql`)).status).toBe(400)
  expect((await fetch(`${gateway.url}/other`, { method: 'POST' })).status).toBe(400)
  expect((await post(new Uint8Array(64 * 1024 * 1024 + 1))).status).toBe(413)
})

test('a response over 64 MB is 507, and the next request works', async () => {
  const query = `SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 65)`
  expect((await post(JSON.stringify({ query }))).status).toBe(507)
  expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
})

test('localhost is the same server as 127.0.0.1', async () => {
  const localhost = postgres.url.replace('127.0.0.1', 'localhost')
  expect(await neon(localhost)`SELECT 1 AS one`).toEqual([{ one: 1 }])
})

test('another database is 400 if connectTo names one', async () => {
  const narrow = await startNeonGateway({ connectTo: postgres.url })
  const url = urlWith({ pathname: '/postgres' })
  const rejected = await post(ONE, { 'neon-connection-string': url }, narrow)
  const message = 'this gateway only connects to the database neon, not to postgres'
  expect(rejected).toMatchObject({ status: 400, body: { message } })
  expect((await post(ONE, {}, narrow)).status).toBe(200)
  await narrow.close()
})

describe('the session', () => {
  // Consecutive requests use the same connection.
  test('settings, temporary tables and advisory locks do not reach the next request', async () => {
    const [before] = await sql`SELECT pg_backend_pid() AS pid`
    await sql`SET statement_timeout = 4711`
    await sql`CREATE TEMPORARY TABLE pets (wrong integer)`
    await sql`SELECT pg_advisory_lock(4711)`
    await sql.query('PREPARE leaked AS SELECT 1')
    const [after] = await sql`SELECT pg_backend_pid() AS pid,
      current_setting('statement_timeout') AS timeout, to_regclass('pg_temp.pets') AS pets,
      (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks,
      (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`
    expect(after).toEqual({ ...before, timeout: '0', pets: null, locks: 0, prepared: 0 })
  })

  test('is reset after an error too', async () => {
    const failing = sql.query(`SELECT set_config('app.who', 'me', false), 1 / (random() * 0)::int`)
    await expect(failing).rejects.toMatchObject({ code: '22012' })
    await sql`SELECT set_config('app.who', 'me', false)`
    expect(await sql`SELECT current_setting('app.who', true) AS who`).not.toEqual([{ who: 'me' }])
  })
})

describe('a client that disconnects', () => {
  const options = { method: 'POST', headers: HEADERS }
  const openRequest = () => httpRequest(`${gateway.url}/sql`, options).on('error', () => {})

  test('has its statement canceled and its batch rolled back', async () => {
    const request = openRequest()
    const queries = [
      { query: `INSERT INTO pets VALUES (1, 'half')` },
      { query: `SELECT pg_sleep(60) /* left */` },
    ]
    request.end(JSON.stringify({ queries }))
    const sleeping = () => sql`SELECT pid FROM pg_stat_activity
      WHERE query LIKE '%/* left */' AND pid <> pg_backend_pid() AND state = 'active'`
    await expect.poll(sleeping).toHaveLength(1)
    request.destroy()
    await expect.poll(sleeping).toHaveLength(0)
    expect(await pets()).toEqual([])
  })

  test('in the middle of a body does not affect the next request', async () => {
    const request = openRequest()
    request.write('{"query": "SEL')
    await once(request, 'socket')
    request.destroy()
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

test('drizzle-orm/neon-http reads, writes and batches', async () => {
  const table = pgTable('pets', { id: integer().primaryKey(), name: text().notNull() })
  const db = drizzle(sql)
  const pet = { id: 1, name: 'a' }
  expect(await db.insert(table).values(pet).returning()).toEqual([pet])
  const [updated, selected] = await db.batch([
    db.update(table).set({ name: 'b' }).where(eq(table.id, 1)),
    db.select().from(table),
  ])
  expect(updated.rowCount).toBe(1)
  expect(selected).toEqual([{ id: 1, name: 'b' }])
  const cause = { code: '23505', constraint: 'pets_pkey' }
  await expect(db.insert(table).values(pet)).rejects.toMatchObject({ cause })
})
