import { hash } from 'bcryptjs'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { freshName, newUser, PASSWORD } from '../../setup/accounts.ts'
import { expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectUnauthenticated, TOKEN_PAIR } from '../../setup/shapes.ts'

test('POST /api/users/login answers a pair for the username and for the email, in any case', async () => {
  const { caller, username, email, password } = await newUser()
  for (const who of [
    { username: username.toUpperCase() },
    { username: email },
    { email: email.toUpperCase() },
  ]) {
    const { status, body } = await caller.post('/api/users/login', { ...who, password })
    expect(status).toBe(200)
    expect(body).toEqual(TOKEN_PAIR)
  }
})

test('POST /api/users/login signs what frontends decode: id, role, and an end after 15 minutes', async () => {
  const { id, access_token } = await newUser()
  expect(decodeProtectedHeader(access_token)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
  const claims = decodeJwt(access_token)
  expect(claims).toMatchObject({ id, role: 'user', aud: 'users', sub: `user:${id}` })
  expect(Number(claims.exp) - Number(claims.iat)).toBe(15 * 60)
})

test('POST /api/users/login answers 401 alike for unknown, wrong, disabled, deleted and hashless', async () => {
  const user = await newUser()
  const { caller, id, username, password } = user
  const login = (who: string, typed: string) =>
    caller.post('/api/users/login', { username: who, password: typed })
  const withColumns = async (columns: string) => {
    await sql(`update users set ${columns} where id = $1`, [id])
    return login(username, password)
  }
  const answers = [
    await login(freshName(), password),
    await login(username, 'not the password'),
    await withColumns('is_active = false'),
    await withColumns('is_active = true, deleted_at = now()'),
    await withColumns("deleted_at = null, hashed_password = 'not a hash'"),
    await withColumns('hashed_password = null'),
  ]
  const alike = answers.map(({ body: { timestamp: _, request_id: __, ...body } }) => body)
  for (const [index, answer] of answers.entries()) {
    expectUnauthenticated(answer, 'Invalid username or password')
    expect(alike[index]).toEqual(alike[0])
  }
})

test('POST /api/users/login answers 429 after ten tries at an account, and forgets them at a success', async () => {
  const { caller, id, username, password } = await newUser()
  const login = () => caller.post('/api/users/login', { username, password })
  const tries = async (count: number, minutes: number) =>
    sql(
      `insert into attempts values ($1, $2, now() + make_interval(mins => $3))
       on conflict (key) do update set count = excluded.count, resets_at = excluded.resets_at`,
      [`user:${id}`, count, minutes],
    )

  await tries(10, 15)
  const refused = await login()
  expectError(refused, 429, 'RateLimitError', 'Too many requests, please try again later')
  const wait = Number(refused.headers.get('Retry-After'))
  expect(wait).toBeGreaterThan(14 * 60)
  expect(wait).toBeLessThanOrEqual(15 * 60)
  expect(refused.body.details).toEqual({ retry_after: wait })

  await tries(11, -1)
  expect((await login()).status).toBe(200)
  expect(await sql('select 1 from attempts where key = $1', [`user:${id}`])).toEqual([])
})

test('POST /api/users/login takes a hash of the former service and makes it dearer', async () => {
  const { caller, id, username } = await newUser()
  const stored = async () =>
    (await sql('select hashed_password as hash from users where id = $1', [id]))[0]?.['hash']
  const old = (await hash(PASSWORD, 5)).replace('$2b$', '$2y$')
  await sql('update users set hashed_password = $2 where id = $1', [id, old])

  const login = () => caller.post('/api/users/login', { username, password: PASSWORD })
  expect((await login()).status).toBe(200)
  expect(await stored()).toMatch(/^\$2b\$10\$/)
  expect((await login()).status).toBe(200)
})

test('POST /api/users/login tells the limits in RateLimit headers', async () => {
  const { headers } = await visitor().post('/api/users/login', {
    email: 'a@b.example',
    password: 'x',
  })
  expect(headers.get('RateLimit-Policy')).toBe('"api";q=200;w=3600, "login";q=30;w=900')
  expect(headers.get('RateLimit')).toMatch(/^"api";r=199;t=\d+, "login";r=29;t=\d+$/)
})

test.each([
  ['neither username nor email', { password: PASSWORD }, ['username']],
  ['no password', { username: 'ada' }, ['password']],
  ['an empty password', { username: 'ada', password: '' }, ['password']],
  ['an operator for a password', { username: 'ada', password: { $ne: '' } }, ['password']],
  ['NUL in the username', { username: 'a\0da', password: PASSWORD }, ['username']],
])('POST /api/users/login answers 422 for %s', async (_, body, fields) => {
  expectInvalid(await visitor().post('/api/users/login', body), ...fields)
})
