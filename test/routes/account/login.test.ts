import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { freshName, newAdmin, newUser, PASSWORD } from '../../setup/accounts.ts'
import { expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import {
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
  TOKEN_PAIR,
} from '../../setup/shapes.ts'
import { ACCOUNT_TYPES } from './account-types.ts'

describe.each(ACCOUNT_TYPES)('POST /api/$type/login', ({ type, kind, create }) => {
  const path = `/api/${type}/login`

  test('returns a token pair for the username or the email, in any case', async () => {
    const { caller, username, email, password } = await create()
    const logins = [
      { username: username.toUpperCase() },
      { username: email },
      { email: email.toUpperCase() },
    ]
    for (const name of logins) {
      expectResponse(await caller.post(path, { ...name, password }), 200, TOKEN_PAIR)
    }
  })

  test('returns 401 for a wrong password, an unknown name and an account of the other type', async () => {
    const { caller, username } = await create()
    const other = await (type === 'users' ? newAdmin() : newUser())
    for (const body of [
      { username, password: 'not the password' },
      { username: freshName(), password: PASSWORD },
      { username: other.username, password: PASSWORD },
    ]) {
      expectUnauthenticated(await caller.post(path, body), 'Invalid username or password')
    }
  })

  test('returns 429, as change-password does, after ten attempts at the account until the limit resets', async () => {
    const { id, username, password, access_token: token } = await create()
    // From a network from which nobody has logged in yet.
    const caller = visitor()
    const key = `${kind}:${id}`
    const login = () => caller.post(path, { username, password })
    const changePassword = () =>
      caller.post(
        `/api/${type}/change-password`,
        { current_password: password, new_password: 'another horse' },
        { token },
      )
    await sql("insert into attempts values ($1, 10, now() + interval '15 minutes')", [key])
    for (const attempt of [login, changePassword]) {
      const response = await attempt()
      expectError(response, 429, 'RateLimitError', 'Too many requests, please try again later')
      const wait = Number(response.headers.get('Retry-After'))
      expect(wait).toBeGreaterThan(14 * 60)
      expect(wait).toBeLessThanOrEqual(15 * 60)
      expect(response.body.details).toEqual({ retry_after: wait })
    }

    await sql("update attempts set resets_at = now() - interval '1 minute' where key = $1", [key])
    expect((await login()).status).toBe(200)
    expect(await sql('select 1 from attempts where key = $1', [key])).toEqual([])
  })

  test.each([
    ['neither username nor email', { password: PASSWORD }, 'username'],
    ['no password', { email: 'ada@example.com' }, 'password'],
    ['an empty password', { username: 'ada', password: '' }, 'password'],
  ])('returns 422 for %s', async (_, body, field) => {
    expectInvalid(await visitor().post(path, body), field)
  })
})

test.each([
  ['user', 'users', () => newUser()],
  ['admin', 'admins', () => newAdmin()],
  ['superadmin', 'admins', () => newAdmin({ superadmin: true })],
] as const)(
  'an access token of a %s has the role, the id and a lifetime of 15 minutes',
  async (role, aud, create) => {
    const { id, access_token } = await create()
    expect(decodeProtectedHeader(access_token)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
    const claims = decodeJwt(access_token)
    expect(claims).toMatchObject({ id, role, aud, sub: `${aud.slice(0, -1)}:${id}` })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(15 * 60)
  },
)

test('POST /api/users/login returns RateLimit headers for both of its limits', async () => {
  const { headers } = await visitor().post('/api/users/login', { email: 'a@b.ex', password: 'x' })
  expect(headers.get('RateLimit-Policy')).toBe('"api";q=200;w=3600, "login";q=30;w=900')
  expect(headers.get('RateLimit')).toMatch(/^"api";r=199;t=\d+, "login";r=29;t=\d+$/)
})
