import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { neon, neonConfig } from '@neondatabase/serverless'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type NeonGateway, startNeonGateway } from '../../local/neon/index.ts'
import { type LocalPostgres, startTemporaryPostgres } from '../../local/postgres/index.ts'
import { freePort } from '../../local/process/ports.ts'

let postgres: LocalPostgres
let gateway: NeonGateway
let sql: ReturnType<typeof neon<false, false>>

beforeAll(async () => {
  postgres = await startTemporaryPostgres({ database: 'neon' })
  gateway = await startNeonGateway()
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

/** What the driver never sends, sent by hand. */
async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}/sql`, {
    method: 'POST',
    body,
    headers: { 'neon-connection-string': postgres.url, ...headers },
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
  it('answers rows as objects, with parameters', async () => {
    expect(await sql`SELECT ${7}::int AS n, ${'a'} AS t, ${null}::text AS nothing`).toEqual([
      { n: 7, t: 'a', nothing: null },
    ])
  })

  it('answers rows as arrays', async () => {
    const arrays = neon(postgres.url, { arrayMode: true })
    expect(await arrays`SELECT 1 AS same, 2 AS same`).toEqual([[1, 2]])
  })

  it('answers full results, with command, count and fields', async () => {
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

  it('keeps every type as the driver expects it', async () => {
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

  it('takes bytes, dates, arrays and objects as parameters', async () => {
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

  it('takes one statement only, as the extended protocol does', async () => {
    await expect(sql.query('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: '42601' })
  })

  it('does not leave a transaction open in a connection that others use', async () => {
    await sql.query('BEGIN')
    await Promise.all(
      Array.from({ length: 5 }, (_, id) => sql`INSERT INTO pets VALUES (${id}, ${id})`),
    )
    expect(await sql`SELECT count(*)::int AS n FROM pets`).toEqual([{ n: 5 }])
  })

  it('serves twenty at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => sql`SELECT ${n}::int AS n, pg_sleep(0.05)::text AS s`),
    )
    expect(answers.flat()).toMatchObject(Array.from({ length: 20 }, (_, n) => ({ n })))
  })
})

describe('batches', () => {
  it('runs all statements in one transaction', async () => {
    const [a, b] = await sql.transaction([
      sql`SELECT txid_current() AS id`,
      sql`SELECT txid_current() AS id`,
    ])
    expect(a).toEqual(b)
  })

  it('keeps nothing when one fails', async () => {
    const batch = sql.transaction([
      sql`INSERT INTO pets VALUES (1, 'a')`,
      sql`INSERT INTO pets VALUES (1, 'b')`,
    ])
    await expect(batch).rejects.toMatchObject({ code: '23505' })
    expect(await pets()).toEqual([])
  })

  it('reports what fails at the commit', async () => {
    await sql`CREATE TABLE late (pet integer REFERENCES pets DEFERRABLE INITIALLY DEFERRED)`
    await expect(sql.transaction([sql`INSERT INTO late VALUES (9)`])).rejects.toMatchObject({
      code: '23503',
    })
    expect(await sql`SELECT FROM late`).toEqual([])
  })

  it.each([
    ['ReadUncommitted', 'read uncommitted'],
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ] as const)('runs at isolation level %s', async (isolationLevel, setting) => {
    const [rows] = await sql.transaction([sql`SHOW transaction_isolation`], { isolationLevel })
    expect(rows).toEqual([{ transaction_isolation: setting }])
  })

  it('runs read only and deferrable', async () => {
    const options = { isolationLevel: 'Serializable', readOnly: true, deferrable: true } as const
    const [rows] = await sql.transaction([sql`SHOW transaction_deferrable`], options)
    expect(rows).toEqual([{ transaction_deferrable: 'on' }])
    const write = sql.transaction([sql`INSERT INTO pets VALUES (1, 'a')`], { readOnly: true })
    await expect(write).rejects.toMatchObject({ code: '25006' })
  })

  it('repeats the options in its answer and refuses unknown levels', async () => {
    const body = JSON.stringify({ queries: [{ query: 'SELECT 1', params: [] }] })
    const good = await post(body, { 'neon-batch-read-only': 'true' })
    expect(good.headers.get('neon-batch-read-only')).toBe('true')
    const bad = await post(body, { 'neon-batch-isolation-level': 'Chaos' })
    expect(bad).toMatchObject({ status: 400, answer: { message: 'invalid isolation level' } })
  })
})

describe('errors of PostgreSQL', () => {
  it('tells all fields of a constraint violation', async () => {
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

  it('tells where a syntax error is', async () => {
    await expect(sql.query('SELECT FRM')).rejects.toMatchObject({ code: '42703', position: '8' })
  })

  it('answers a wrong password as Neon does: 400 without a code', async () => {
    const wrong = neon(urlWith({ password: 'wrong' }))
    await expect(wrong`SELECT 1`).rejects.toMatchObject({
      message: `password authentication failed for user 'local'`,
      code: '',
    })
  })

  it('answers 500 for an unknown database and for a server that is not there', async () => {
    await expect(neon(urlWith({ pathname: '/nowhere' }))`SELECT 1`).rejects.toThrow(
      /HTTP status 500.*database \\"nowhere\\" does not exist.*3D000/,
    )
    const nobody = urlWith({ port: String(await freePort()) })
    await expect(neon(nobody)`SELECT 1`).rejects.toThrow(/HTTP status 500.*ECONNREFUSED/)
  })

  it('outlives connections that the server cuts', async () => {
    await expect(sql`SELECT pg_terminate_backend(pg_backend_pid())`).rejects.toMatchObject({
      code: '57P01',
    })
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

describe('errors of the request', () => {
  const one = JSON.stringify({ query: 'SELECT 1' })

  it.each([
    ['mysql://a:b@h/d', 'incorrect scheme'],
    ['nonsense', 'invalid connection string: relative URL without a base'],
    ['postgresql://a:b@127.0.0.1', 'missing database name'],
    ['postgresql://127.0.0.1/d', 'missing username'],
    ['postgresql://a@127.0.0.1/d', 'missing authentication credentials: required password'],
  ])('refuses the connection string %s', async (connectionString, message) => {
    const refused = await post(one, { 'neon-connection-string': connectionString })
    expect(refused).toMatchObject({ status: 400, answer: { message, code: '' } })
  })

  it.each(['', '{', '[]', '{}', '{"query": 1}', '{"query": "SELECT 1", "params": 1}'])(
    'refuses the body %j',
    async (body) => {
      const refused = await post(body)
      expect(refused.status).toBe(400)
      expect(refused.answer).toMatchObject({
        message: expect.stringMatching(/^could not parse the HTTP request body: /),
      })
    },
  )

  it('refuses other paths and methods, and a request of more than 64 MB', async () => {
    expect((await fetch(`${gateway.url}/sql`)).status).toBe(400)
    expect((await fetch(`${gateway.url}/other`, { method: 'POST' })).status).toBe(400)
    const large = await post(new Uint8Array(64 * 1024 * 1024 + 1))
    expect(large).toMatchObject({ status: 413 })
  })

  it('refuses a response of more than 64 MB', async () => {
    const query = `SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 65)`
    expect((await post(JSON.stringify({ query }))).status).toBe(507)
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

describe('without raw text output', () => {
  it('answers JSON values', async () => {
    const query = `SELECT 1 AS i, 2::int8 AS big, 1.5::float8 AS f, 'NaN'::float8 AS nan,
      true AS b, '{"a":1}'::jsonb AS j, ARRAY[[1,2],[3,NULL]] AS nested, ARRAY['a"b', 'NULL'] AS t`
    expect((await post(JSON.stringify({ query }))).answer).toMatchObject({
      rowAsArray: false,
      rows: [
        {
          i: 1,
          big: '2',
          f: 1.5,
          nan: 'NaN',
          b: true,
          j: { a: 1 },
          nested: [
            [1, 2],
            [3, null],
          ],
          t: ['a"b', 'NULL'],
        },
      ],
    })
  })

  it('takes JSON values as parameters, and arrayMode for each statement', async () => {
    const query = 'SELECT $1::int[] AS a, $2::bool AS b, $3::jsonb AS c, $4::text[] AS d'
    const params = [[1, null], true, { x: 'y' }, ['q"', { z: 1 }]]
    const queries = [{ query, params, arrayMode: true }, { query: 'SELECT 1 AS one' }]
    expect((await post(JSON.stringify({ queries }))).answer).toMatchObject({
      results: [
        { rowAsArray: true, rows: [[[1, null], true, { x: 'y' }, ['q"', '{"z":1}']]] },
        { rowAsArray: false, rows: [{ one: 1 }] },
      ],
    })
  })
})

describe('a client that goes away', () => {
  it('has its statement cancelled, and leaves nothing behind', async () => {
    const request = httpRequest(`${gateway.url}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': postgres.url },
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

  it('may go in the middle of its body', async () => {
    const request = httpRequest(`${gateway.url}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': postgres.url },
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

  it('reads, writes and batches over neon-http', async () => {
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
