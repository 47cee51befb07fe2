import { decodeJwt } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { freshName, logIn, newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'

let user: Awaited<ReturnType<typeof newUser>>
let victim: Awaited<ReturnType<typeof newUser>>
let admin: Awaited<ReturnType<typeof newAdmin>>
let superadmin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  ;[user, victim] = [await newUser(), await newUser()]
  ;[admin, superadmin] = [await newAdmin(), await newAdmin({ superadmin: true })]
})

/** All that would make one a different person, or more than one is. */
const IDENTITY = {
  ...{ id: 1, user_id: 1, sub: 'user:1', role: 'superadmin', kind: 'admin' },
  ...{ is_superuser: true, is_superadmin: true, is_active: false, email_verified: true },
  ...{
    created_at: '1999-01-01T00:00:00Z',
    deleted_at: null,
    session_epoch: 99,
    kept_session: null,
  },
  ...{ hashed_password: '$2b$10$x', password_hash: 'x', constructor: { prototype: { id: 1 } } },
}

/** `__proto__` as a key of the text: an object literal would not have it. */
const withIdentity = (fields: Record<string, unknown>) =>
  JSON.stringify({ ...IDENTITY, ...fields }).replace('{', '{"__proto__":{"is_superuser":true},')

const rowOf = async (id: number) => (await sql('select * from users where id = $1', [id]))[0]

test('21 (CVE-2025-61928, API3:2023): identity fields in a body change nothing', async () => {
  const caller = visitor()
  const options = { headers: { 'Content-Type': 'application/json' } }
  const username = freshName()
  const fields = { username, email: `${username}@example.com`, password: PASSWORD }
  const { status, body } = await caller.post('/api/users/register', undefined, {
    ...options,
    raw: withIdentity(fields),
  })
  expect(status).toBe(201)
  expect(body).toMatchObject({ is_superuser: false, is_active: true })
  expect(body.id).not.toBe(1)
  expect(body.created_at).not.toContain('1999')

  const tokens = await logIn(caller, username)
  const before = await rowOf(body.id)
  const put = await caller.put('/api/users/me', undefined, {
    ...options,
    token: tokens.access_token,
    raw: withIdentity({ full_name: 'Ada' }),
  })
  expect(put.body).toEqual({ ...body, full_name: 'Ada', updated_at: put.body.updated_at })
  const after = await rowOf(body.id)
  expect(after).toEqual({ ...before, full_name: 'Ada', updated_at: after?.['updated_at'] })
  expect(({} as Record<string, unknown>)['is_superuser']).toBeUndefined()

  const patched = await admin.caller.patch(`/api/admins/users/${body.id}`, undefined, {
    ...options,
    token: admin.access_token,
    raw: withIdentity({ is_active: true, is_superuser: undefined, full_name: 'Ada' }),
  })
  expect(patched.status).toBe(200)
  expect(await rowOf(body.id)).toEqual({
    ...after,
    updated_at: (await rowOf(body.id))?.['updated_at'],
  })
})

test('21: a user who is a superuser is nobody to the admins’ API, and an admin cannot raise anybody', async () => {
  await sql('update users set is_superuser = true where id = $1', [user.id])
  const { access_token: token } = await logIn(visitor(), user.username)
  expect(decodeJwt(token)['role']).toBe('superuser')
  expectError(await visitor().get('/api/admins/users', { token }), 403, 'AuthorizationError')

  const raise = await visitor().patch(
    `/api/admins/users/${victim.id}`,
    { is_superuser: true, full_name: 'Raised' },
    { token: admin.access_token },
  )
  expectError(raise, 403, 'AuthorizationError')
  expect(await rowOf(victim.id)).toMatchObject({ is_superuser: false, full_name: null })
})

test('21: no answer ever holds a hash', async () => {
  const hash = String((await rowOf(user.id))?.['hashed_password'])
  const answers = await Promise.all(
    ['/api/users/me', '/api/users/me/sessions'].map((path) =>
      visitor().get(path, { token: user.access_token }),
    ),
  )
  const seen = await Promise.all(
    ['/api/admins/users?page_size=100', `/api/admins/users/${user.id}`, '/api/admins/audit'].map(
      (path) => visitor().get(path, { token: superadmin.access_token }),
    ),
  )
  for (const { text } of [...answers, ...seen]) {
    expect(text).not.toContain(hash)
    expect(text).not.toMatch(/\$2[aby]\$|hashed_password|session_epoch/)
  }
})

test('21: one user’s session id opens nothing for another', async () => {
  const [mine, others] = [await newUser(), await newUser()]
  const sid = decodeJwt(others.access_token)['sid']
  const path = `/api/users/me/sessions/${sid}`
  expectError(
    await visitor().delete(path, undefined, { token: mine.access_token }),
    404,
    'NotFoundError',
  )
  expect((await visitor().get('/api/users/me', { token: others.access_token })).status).toBe(200)
})
