/**
 * Security sheet 5 to 7: whoever asks for an account that is not there costs the same steps as whoever
 * errs in a password (ASVS 6.3.8, CVE-2025-22234). The time itself: `npm run timing`.
 */
import { beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { hashPassword } from '../../src/passwords/hash.ts'
import { freshName, PASSWORD } from '../setup/accounts.ts'
import { type Answer, environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { type Lane, openLane } from '../setup/lanes.ts'
import { heldQueue } from './faulty-world.ts'

let database: Lane
let redis: Lane
let passwordHash: string

beforeAll(async () => {
  const { faultProxyUrl } = inject('world')
  database = await openLane(faultProxyUrl, 'neon')
  redis = await openLane(faultProxyUrl, 'upstash')
  passwordHash = await hashPassword(PASSWORD, 10)
  // The first command of all sends the script of the limit too.
  await visitor().post('/api/users/login', { username: freshName(), password: PASSWORD })
})

/** The costs of the hashes that were made: for each, bcryptjs cuts the 22 letters of the salt out once. */
function watchHashes() {
  const cut = vi.spyOn(String.prototype, 'substring')
  return () => {
    const { calls, contexts } = cut.mock
    const salts = contexts.filter((_, index) => calls[index]?.join() === '7,29')
    cut.mockRestore()
    return salts.map((salt) => String(salt).slice(4, 6))
  }
}

/** What an act asks of bcrypt, of the database and of Redis. */
async function workOf(act: () => Promise<Answer>) {
  await Promise.all([database.clear(), redis.clear()])
  const hashes = watchHashes()
  const answer = await act()
  const costs = hashes()
  const [statements, commands] = await Promise.all([database.log(), redis.log()])
  return {
    answer,
    work: {
      costs,
      statements: statements.map(({ body }) => JSON.parse(body).query),
      commands: commands.length,
    },
  }
}

/** An answer without what differs in any two: the id, the time, and the tries left. */
const shapeOf = ({ status, headers, body: { timestamp, request_id, ...body } }: Answer) => ({
  status,
  body,
  headers: [...headers].filter(([name]) => !['x-request-id', 'ratelimit'].includes(name)),
})

const env = () => environment({ NEON_HTTP_URL: database.url, UPSTASH_REDIS_REST_URL: redis.url })

describe.each(['users', 'admins'] as const)('POST /api/%s/login refuses', (kind) => {
  const account = async (changes: { hash?: string | null; set?: string }) => {
    const name = freshName('equal')
    const stored = changes.hash === undefined ? passwordHash : changes.hash
    await sql(`insert into ${kind} (username, email, hashed_password) values ($1, $2, $3)`, [
      name,
      `${name}@example.com`,
      stored,
    ])
    if (changes.set) await sql(`update ${kind} set ${changes.set} where username = $1`, [name])
    return name
  }

  const wrong = 'not the password'
  const login = (body: object) => () => visitor({ env: env() }).post(`/api/${kind}/login`, body)
  let unknown: Awaited<ReturnType<typeof workOf>>

  beforeAll(async () => {
    unknown = await workOf(login({ username: freshName(), password: wrong }))
    expectError(unknown.answer, 401, 'AuthenticationError', 'Invalid username or password')
    expect(unknown.work).toMatchObject({ costs: ['10'], commands: 2 })
    expect(unknown.work.statements).toHaveLength(2)
  })

  const long = `${'ä'.repeat(36)}x`

  it.each<[string, () => Promise<{ username: string; password: string }>]>([
    ['an unknown email', async () => ({ username: `${freshName()}@example.com`, password: wrong })],
    ['a wrong password', async () => ({ username: await account({}), password: wrong })],
    [
      'a disabled account, with its password',
      async () => ({ username: await account({ set: 'is_active = false' }), password: PASSWORD }),
    ],
    [
      'a deleted account, with its password',
      async () => ({ username: await account({ set: 'deleted_at = now()' }), password: PASSWORD }),
    ],
    [
      'an account without a hash',
      async () => ({ username: await account({ hash: null }), password: wrong }),
    ],
    [
      'an account with a malformed hash',
      async () => ({ username: await account({ hash: 'sha1$x$y' }), password: wrong }),
    ],
    [
      'an account with a truncated hash',
      async () => ({ username: await account({ hash: '$2b$10$abc' }), password: wrong }),
    ],
    ['73 bytes for an unknown name', async () => ({ username: freshName(), password: long })],
    ['73 bytes for a known name', async () => ({ username: await account({}), password: long })],
  ])('%s: the same answer, hashes and trips as an unknown name', async (_, given) => {
    const other = await workOf(login(await given()))
    const byEmail = (text: string) => text.replace('lower(a.email)', 'lower(a.username)')
    const statements = other.work.statements.map(byEmail)
    expect({ ...other.work, statements }).toEqual(unknown.work)
    expect(shapeOf(other.answer)).toEqual(shapeOf(unknown.answer))
  })

  it('a stored hash that is cheaper than new ones: as much work as an unknown name', async () => {
    const dearer = { ...env(), BCRYPT_COST: '11' }
    const login = (username: string) => () =>
      visitor({ env: dearer }).post(`/api/${kind}/login`, { username, password: wrong })
    const unknown = await workOf(login(freshName()))
    const known = await workOf(login(await account({})))
    const rounds = (costs: string[]) => costs.reduce((sum, cost) => sum + 2 ** Number(cost), 0)
    expect(unknown.work.costs).toEqual(['11'])
    expect(rounds(known.work.costs)).toBe(2 ** 11)
    expectError(known.answer, 401, 'AuthenticationError', 'Invalid username or password')
  })

  it('a password in another spelling of Unicode: two hashes, known or not', async () => {
    const password = 'cafe\u0301 au lait'
    const login = (username: string) => () =>
      visitor({ env: env() }).post(`/api/${kind}/login`, { username, password })
    const unknown = await workOf(login(freshName()))
    const known = await workOf(login(await account({})))
    expect(unknown.work.costs).toEqual(['10', '10'])
    expect(known.work).toEqual(unknown.work)
  })
})

describe('POST /api/password/forgot-password', () => {
  it('known, unknown and throttled: the same answer, no statement, one message', async () => {
    const name = freshName()
    const email = `${name}@example.com`
    await sql('insert into users (username, email) values ($1, $2)', [name, email])
    await sql(
      `insert into attempts (key, count, resets_at)
      select 'reset-mail:' || id, 99, now() + interval '1 hour' from users where username = $1`,
      [name],
    )
    const { queue, held } = heldQueue()
    const ask = (email: string) => () =>
      visitor({ env: { ...env(), MAIL_QUEUE: queue } }).post('/api/password/forgot-password', {
        email,
      })
    const unknown = await workOf(ask(`nobody-${email}`))
    const throttled = await workOf(ask(email))
    await sql(
      "delete from attempts where key = (select 'reset-mail:' || id from users where username = $1)",
      [name],
    )
    const known = await workOf(ask(email))
    expect(unknown.work).toEqual({ costs: [], statements: [], commands: 2 })
    for (const each of [throttled, known]) {
      expect(each.work).toEqual(unknown.work)
      expect(shapeOf(each.answer)).toEqual(shapeOf(unknown.answer))
    }
    expect(held).toHaveLength(3)
  })
})
