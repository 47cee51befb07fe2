import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { neon, neonConfig } from '@neondatabase/serverless'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type NeonGateway, startNeonGateway } from '../../local/neon/index.ts'
import { type LocalPostgres, startTemporaryPostgres } from '../../local/postgres/index.ts'
import { freePort } from '../../local/process/ports.ts'

let postgres: LocalPostgres
let gateway: NeonGateway
let sql: ReturnType<typeof neon<false, false>>

beforeAll(async () => {
  postgres = await startTemporaryPostgres({ database: 'neon' })
  gateway = await startNeonGateway({ connectTo: `postgresql://127.0.0.1:${postgres.port}` })
  neonConfig.fetchEndpoint = () => `${gateway.url}/sql`
  sql = neon(postgres.url)
  await sql`CREATE TABLE pets (id integer PRIMARY KEY, name text NOT NULL UNIQUE)`
})
afterAll(async () => {
  await gateway.close()
  await postgres.stop()
})
beforeEach(async () => {
  await sql`TRUNCATE pets CASCADE`
})

const ONE = JSON.stringify({ query: 'SELECT 1' })
const RAW_TEXT = { 'neon-raw-text-output': 'true', 'neon-array-mode': 'true' }

/** What the driver never sends, sent by hand. */
async function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  { url } = gateway,
) {
  const response = await fetch(`${url}/sql`, {
    method: 'POST',
    body,
    headers: { 'neon-connection-string': postgres.url, ...RAW_TEXT, ...headers },
  })
  const answer: unknown = await response.json()
  return { status: response.status, headers: response.headers, answer }
}

const pets = () => sql`SELECT id, name FROM pets ORDER BY id`

/** The URL with one part replaced. */
function urlWith(change: Partial<Pick<URL, 'password' | 'username' | 'pathname' | 'port'>>) {
  return Object.assign(new URL(postgres.url), change).href
}

describe('single statements', () => {
  test('rows are objects, and parameters arrive', async () => {
    expect(await sql`SELECT ${7}::int AS n, ${'a'} AS t, ${null}::text AS nothing`).toEqual([
      { n: 7, t: 'a', nothing: null },
    ])
  })

  test('rows are arrays in array mode', async () => {
    const arrays = neon(postgres.url, { arrayMode: true })
    expect(await arrays`SELECT 1 AS same, 2 AS same`).toEqual([[1, 2]])
  })

  test('full results have the command, the count and the fields', async () => {
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
    expect(await full`CREATE TABLE made ()`).toMatchObject({ command: 'CREATE', rowCount: null })
  })

  test('every type arrives as the driver expects it', async () => {
    const [row] = await sql`SELECT
      9007199254740993::int8 AS big, 1.50::numeric AS exact, true AS yes, 1.5::float8 AS real,
      '2026-01-02T03:04:05.678Z'::timestamptz AS at, '\\xdeadbeef'::bytea AS bytes,
      '{"a": [1, null]}'::jsonb AS doc, ARRAY[1, NULL, 3] AS ints,
      ARRAY['a,b', 'c"d', NULL, 'NULL'] AS texts, NULL AS nothing`
    expect(row).toEqual({
      big: '9007199254740993',
      exact: '1.50',
      yes: true,
      real: 1.5,
      at: new Date('2026-01-02T03:04:05.678Z'),
      bytes: Buffer.from('deadbeef', 'hex'),
      doc: { a: [1, null] },
      ints: [1, null, 3],
      texts: ['a,b', 'c"d', null, 'NULL'],
      nothing: null,
    })
  })

  test('bytes, dates, arrays and objects are parameters', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z')
    const [row] = await sql`SELECT ${Buffer.from('00ff', 'hex')}::bytea AS bytes,
      ${at}::timestamptz AS at, ${['a', 'b"c', null]}::text[] AS texts, ${{ a: 1 }}::jsonb AS doc`
    expect(row).toEqual({
      bytes: Buffer.from('00ff', 'hex'),
      at,
      texts: ['a', 'b"c', null],
      doc: { a: 1 },
    })
  })

  test('two statements in one are a syntax error', async () => {
    await expect(sql.query('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: '42601' })
  })

  test('a transaction left open does not reach the next request', async () => {
    await sql.query('BEGIN')
    await Promise.all(
      Array.from({ length: 5 }, (_, id) => sql`INSERT INTO pets VALUES (${id}, ${id})`),
    )
    expect(await sql`SELECT count(*)::int AS n FROM pets`).toEqual([{ n: 5 }])
  })

  test('twenty statements run at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => sql`SELECT ${n}::int AS n, pg_sleep(0.05)::text AS s`),
    )
    expect(answers.flat()).toMatchObject(Array.from({ length: 20 }, (_, n) => ({ n })))
  })
})

describe('batches', () => {
  test('all statements run in one transaction', async () => {
    const [a, b] = await sql.transaction([
      sql`SELECT txid_current() AS id`,
      sql`SELECT txid_current() AS id`,
    ])
    expect(a).toEqual(b)
  })

  test('nothing is kept when one statement fails', async () => {
    const batch = sql.transaction([
      sql`INSERT INTO pets VALUES (1, 'a')`,
      sql`INSERT INTO pets VALUES (1, 'b')`,
    ])
    await expect(batch).rejects.toMatchObject({ code: '23505' })
    expect(await pets()).toEqual([])
  })

  test('a failure at the commit is reported', async () => {
    await sql`CREATE TABLE late (pet integer REFERENCES pets DEFERRABLE INITIALLY DEFERRED)`
    await expect(sql.transaction([sql`INSERT INTO late VALUES (9)`])).rejects.toMatchObject({
      code: '23503',
    })
    expect(await sql`SELECT FROM late`).toEqual([])
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

  test('a batch runs read only and deferrable', async () => {
    const options = { isolationLevel: 'Serializable', readOnly: true, deferrable: true } as const
    const [rows] = await sql.transaction([sql`SHOW transaction_deferrable`], options)
    expect(rows).toEqual([{ transaction_deferrable: 'on' }])
    const write = sql.transaction([sql`INSERT INTO pets VALUES (1, 'a')`], { readOnly: true })
    await expect(write).rejects.toMatchObject({ code: '25006' })
  })

  test('the options are repeated in the response, and unknown levels are rejected', async () => {
    const body = JSON.stringify({ queries: [{ query: 'SELECT 1', params: [] }] })
    const good = await post(body, { 'neon-batch-read-only': 'true' })
    expect(good.headers.get('neon-batch-read-only')).toBe('true')
    const bad = await post(body, { 'neon-batch-isolation-level': 'Chaos' })
    expect(bad).toMatchObject({ status: 400, answer: { message: 'invalid isolation level' } })
  })
})

describe('errors of PostgreSQL', () => {
  test('a constraint violation has all fields', async () => {
    await sql`INSERT INTO pets VALUES (1, 'a')`
    await expect(sql`INSERT INTO pets VALUES (2, 'a')`).rejects.toMatchObject({
      name: 'NeonDbError',
      message: 'duplicate key value violates unique constraint "pets_name_key"',
      code: '23505',
      severity: 'ERROR',
      constraint: 'pets_name_key',
      schema: 'public',
      table: 'pets',
      detail: 'Key (name)=(a) already exists.',
      routine: '_bt_check_unique',
    })
    await expect(sql`INSERT INTO pets VALUES (2, NULL)`).rejects.toMatchObject({
      code: '23502',
      column: 'name',
    })
  })

  test('a syntax error has its position', async () => {
    await expect(sql.query('SELECT FRM')).rejects.toMatchObject({ code: '42703', position: '8' })
  })

  test('a wrong password is 400 without a code, as at Neon', async () => {
    const wrong = neon(urlWith({ password: 'wrong' }))
    await expect(wrong`SELECT 1`).rejects.toMatchObject({
      message: `password authentication failed for user 'app'`,
      code: '',
    })
  })

  test('an unknown database and a server that is down are 500', async () => {
    await expect(neon(urlWith({ pathname: '/nowhere' }))`SELECT 1`).rejects.toThrow(
      /HTTP status 500.*database \\"nowhere\\" does not exist.*3D000/,
    )
    const connectTo = urlWith({ port: String(await freePort()) })
    const astray = await startNeonGateway({ connectTo })
    const down = await post(ONE, { 'neon-connection-string': connectTo }, astray)
    expect(down).toMatchObject({
      status: 500,
      answer: { message: expect.stringContaining('ECONNREFUSED') },
    })
    await astray.close()
  })

  test('a connection that the server closes is replaced', async () => {
    await expect(sql`SELECT pg_terminate_backend(pg_backend_pid())`).rejects.toMatchObject({
      code: '57P01',
    })
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

describe('errors of the request', () => {
  test.each([
    ['mysql://a:b@h/d', 'incorrect scheme'],
    ['nonsense', 'invalid connection string: relative URL without a base'],
    ['postgresql://a:b@127.0.0.1', 'missing database name'],
    ['postgresql://127.0.0.1/d', 'missing username'],
    ['postgresql://a:b@/d', 'invalid connection string: invalid host or port'],
    ['postgresql://a@127.0.0.1/d', 'missing authentication credentials: required password'],
  ])('the connection string %s is rejected', async (connectionString, message) => {
    const rejected = await post(ONE, { 'neon-connection-string': connectionString })
    expect(rejected).toMatchObject({ status: 400, answer: { message, code: '' } })
  })

  test.each([
    '',
    '{',
    '[]',
    '{}',
    '{"query": 1}',
    '{"query": "SELECT 1", "params": 1}',
    '{"query": "SELECT $1", "params": [1]}',
  ])('the body %j is rejected', async (body) => {
    const rejected = await post(body)
    expect(rejected.status).toBe(400)
    expect(rejected.answer).toMatchObject({
      message: expect.stringMatching(/^could not parse the HTTP request body: /),
    })
  })

  test('other paths and methods, and a request of more than 64 MB, are rejected', async () => {
    expect((await fetch(`${gateway.url}/sql`)).status).toBe(400)
    expect((await fetch(`${gateway.url}/other`, { method: 'POST' })).status).toBe(400)
    const large = await post(new Uint8Array(64 * 1024 * 1024 + 1))
    expect(large).toMatchObject({ status: 413 })
  })

  test('a response of more than 64 MB is 507', async () => {
    const query = `SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 65)`
    expect((await post(JSON.stringify({ query }))).status).toBe(507)
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

describe('the server and the database of a gateway', () => {
  test.each([
    'postgresql://a:b@example.com/d',
    'postgresql://a:b@127.0.0.1:1/d',
    'postgresql://a:b@169.254.169.254:80/d',
  ])('%s is another server, and is rejected', async (connectionString) => {
    const rejected = await post(ONE, { 'neon-connection-string': connectionString })
    const message = expect.stringMatching(
      /^this gateway connects to 127\.0\.0\.1:\d+ only, not to /,
    )
    expect(rejected).toMatchObject({ status: 400, answer: { message } })
  })

  test('other names of this machine are the same server', async () => {
    const localhost = postgres.url.replace('127.0.0.1', 'localhost')
    expect(await neon(localhost)`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })

  test('another database is rejected if the gateway has one of its own', async () => {
    const narrow = await startNeonGateway({ connectTo: postgres.url })
    const url = urlWith({ pathname: '/postgres' })
    const rejected = await post(ONE, { 'neon-connection-string': url }, narrow)
    const message = 'this gateway connects to the database neon only, not to postgres'
    expect(rejected).toMatchObject({ status: 400, answer: { message } })
    expect((await post(ONE, {}, narrow)).status).toBe(200)
    await narrow.close()
  })

  test.each(['neon-raw-text-output', 'neon-array-mode'])('without %s is 400', async (name) => {
    expect((await post(ONE, { [name]: 'false' })).status).toBe(400)
  })
})

describe('a session', () => {
  // One request after the other takes the same connection.
  test('settings, temporary tables and advisory locks end with the request', async () => {
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

  test('a statement that failed is followed by a reset as well', async () => {
    const failing = sql.query(`SELECT set_config('app.who', 'me', false), 1 / (random() * 0)::int`)
    await expect(failing).rejects.toMatchObject({ code: '22012' })
    await sql`SELECT set_config('app.who', 'me', false)`
    expect(await sql`SELECT current_setting('app.who', true) AS who`).not.toEqual([{ who: 'me' }])
  })
})

describe('a client that goes away', () => {
  test('its statement is cancelled, and its batch rolled back', async () => {
    const request = httpRequest(`${gateway.url}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': postgres.url, ...RAW_TEXT },
    })
    request.on('error', () => {})
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

  test('a request that ends in the middle of its body does no harm', async () => {
    const request = httpRequest(`${gateway.url}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': postgres.url, ...RAW_TEXT },
    })
    request.on('error', () => {})
    request.write('{"query": "SEL')
    await once(request, 'socket')
    request.destroy()
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

describe('drizzle', () => {
  const table = pgTable('pets', { id: integer().primaryKey(), name: text().notNull() })

  test('neon-http reads, writes and batches', async () => {
    const db = drizzle(sql)
    expect(await db.insert(table).values({ id: 1, name: 'a' }).returning()).toEqual([
      { id: 1, name: 'a' },
    ])
    const [updated, selected] = await db.batch([
      db.update(table).set({ name: 'b' }).where(eq(table.id, 1)),
      db.select().from(table),
    ])
    expect(updated.rowCount).toBe(1)
    expect(selected).toEqual([{ id: 1, name: 'b' }])
    await expect(db.insert(table).values({ id: 1, name: 'c' })).rejects.toMatchObject({
      cause: { code: '23505', constraint: 'pets_pkey' },
    })
  })
})
