import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { generateSecretKey } from '../../scripts/keys/generate.ts'
import { logIn, newAdmin, newUser, type Tokens } from '../setup/accounts.ts'
import { type ApiResponse, environment, expectError, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'

const [OLD, NEW] = [environment().SECRET_KEY, generateSecretKey()]

/** The Worker before, during and after a change of its SECRET_KEY. */
let before: Visitor
let during: Visitor
let after: Visitor

beforeEach(() => {
  const worker = (secrets: { SECRET_KEY: string; SECRET_KEY_PREVIOUS?: string }) =>
    visitor({ env: environment(secrets) })
  before = worker({ SECRET_KEY: OLD })
  during = worker({ SECRET_KEY: NEW, SECRET_KEY_PREVIOUS: OLD })
  after = worker({ SECRET_KEY: NEW })
})
afterEach(() => vi.restoreAllMocks())

/** The purposes of the `previous_key_used` lines from now on. */
function countUses() {
  const spy = vi.spyOn(console, 'log').mockImplementation(() => {})
  return () =>
    spy.mock.calls
      .map(([line]) => JSON.parse(String(line)))
      .filter(({ event }) => event === 'previous_key_used')
      .map(({ level, purpose }) => `${level} ${purpose}`)
}

const expectRejected = (response: ApiResponse) =>
  expectUnauthenticated(response, 'Invalid or expired refresh token')

const ACCOUNT_TYPES = [
  { type: 'users', kind: 'user', create: newUser },
  { type: 'admins', kind: 'admin', create: (caller: Visitor) => newAdmin({ caller }) },
] as const

describe.each(ACCOUNT_TYPES)(
  'after a change of SECRET_KEY, POST /api/$type/',
  ({ type, kind, create }) => {
    const refresh = (caller: Visitor, { refresh_token }: Pick<Tokens, 'refresh_token'>) =>
      caller.post(`/api/${type}/refresh`, { refresh_token })

    test('refresh returns tokens of the new key for one of the old key, and the log counts it', async () => {
      const session = await create(before)
      const uses = countUses()
      const { status, body: next } = await refresh(during, session)
      expect(status).toBe(200)
      expect(uses()).toEqual([`info refresh-token:${kind}`])

      expectRejected(await refresh(before, next))
      const last = await refresh(after, next)
      expect(last.status).toBe(200)
      expect((await refresh(during, last.body)).status).toBe(200)
      expect(uses()).toHaveLength(1)
      const me = await during.get(`/api/${type}/me`, { token: session.access_token })
      expect(me.status).toBe(200)
    })

    test('refresh returns 401 for a token of the old key that is not set, and the session lives on', async () => {
      const session = await create(before)
      expectRejected(await refresh(after, session))
      expect((await refresh(during, session)).status).toBe(200)
    })

    test('refresh repeats the response for 30 seconds, then treats reuse of an old token as theft', async () => {
      const session = await create(before)
      const { body: next } = await refresh(during, session)
      expect((await refresh(during, session)).body.refresh_token).toBe(next.refresh_token)
      await sql(
        `update ${kind}_sessions set rotated_at = now() - interval '31 seconds' where id = $1`,
        [decodeJwt(session.access_token)['sid']],
      )
      expectRejected(await refresh(during, session))
      expectRejected(await refresh(during, next))
    })

    test('refresh returns one successor, of the new key, to 50 callers with one token of the old key', async () => {
      const session = await create(before)
      const callers = Array.from({ length: 50 }, () => refresh(during, session))
      const responses = await Promise.all(callers)
      expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
      const successors = new Set(responses.map(({ body }) => body.refresh_token))
      expect(successors.size).toBe(1)
      const [refresh_token] = successors
      expect((await refresh(after, { refresh_token })).status).toBe(200)
    })

    test('logout ends the session of a token of the old key', async () => {
      const session = await create(before)
      const uses = countUses()
      const { refresh_token } = session
      expect((await during.post(`/api/${type}/logout`, { refresh_token })).status).toBe(204)
      expect(uses()).toEqual([`info refresh-token:${kind}`])
      expectRejected(await refresh(before, session))
    })

    test('login returns tokens of the new key alone', async () => {
      const { username } = await create(before)
      const session = await logIn(during, username, { kind: type })
      expectRejected(await refresh(before, session))
      expect((await refresh(after, session)).status).toBe(200)
    })

    test('refresh returns 401 for what neither key has made, and the log counts none', async () => {
      const { refresh_token } = await create(before)
      const uses = countUses()
      const end = refresh_token.at(-1) === 'A' ? 'E' : 'A'
      for (const forged of [refresh_token.slice(0, -1) + end, `${refresh_token}A`, 'a.0.b', '.']) {
        expectRejected(await refresh(during, { refresh_token: forged }))
      }
      const other = type === 'users' ? 'admins' : 'users'
      expectRejected(await during.post(`/api/${other}/refresh`, { refresh_token }))
      expect(uses()).toEqual([])
    })
  },
)

test('nobody is signed out by a change of SECRET_KEY: twenty users refresh before, during and after it', async () => {
  let sessions: Pick<Tokens, 'refresh_token'>[] = await Promise.all(
    Array.from({ length: 20 }, () => newUser(before)),
  )
  for (const caller of [before, during, after]) {
    const responses = await Promise.all(
      sessions.map(({ refresh_token }) => caller.post('/api/users/refresh', { refresh_token })),
    )
    expect(responses.map(({ status }) => status)).toEqual(sessions.map(() => 200))
    sessions = responses.map(({ body }) => body)
  }
})

const RESET_PASSWORD = '/api/password/reset-password'

test('POST /api/password/reset-password accepts a token of the old key while it is set', async () => {
  const { id, username } = await newUser(before)
  const new_password = 'another long sentence of mine'
  const reset = { token: await resetTokenOf(id), new_password }
  expectError(await after.post(RESET_PASSWORD, reset), 400, 'BadRequestError')
  const uses = countUses()
  expect((await during.post(RESET_PASSWORD, reset)).status).toBe(200)
  expect(uses()).toEqual(['info password-reset'])
  await logIn(during, username, { password: new_password })
})
