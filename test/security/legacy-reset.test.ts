/** Open reset links of the former service. */
import { randomBytes } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { mailsTo, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import {
  accepting,
  adoptedAdmin,
  adoptedUser,
  client,
  LEFT,
  legacyReset,
  legacyToken,
  returnedUser,
} from '../setup/legacy.ts'
import { auditLines } from './attack.ts'
import { changePassword, checkReset, forgotPassword, login, resetPassword } from './calls.ts'
import { listen } from './captured-log.ts'

afterEach(() => vi.restoreAllMocks())

const check = (token: unknown) => checkReset(token, { client: client() })
const reset = (token: unknown, password?: string) =>
  resetPassword(token, password, { client: client() })

async function expectInvalidToken(token: unknown) {
  for (const response of [await check(token), await reset(token)]) {
    expectError(response, 400, 'BadRequestError', 'Invalid or expired token')
  }
}

test('16: an open link of the former service is checked and used, once, with the notice and the audit line of any reset', async () => {
  const { id, username, email, access_token } = await returnedUser()
  const token = await legacyReset(id)
  const checked = await check(token)
  expect(checked.status).toBe(200)
  expect(checked.body).toMatchObject({ username, email })

  const output = listen()
  const used = await reset(token)
  expect(used.status).toBe(200)
  const request_id = used.headers.get('X-Request-ID')
  const lines = output.lines().filter(({ event }) => event === 'legacy_reset_token_used')
  expect(lines).toEqual([expect.objectContaining({ level: 'info', kind: 'user', id, request_id })])
  expect(await auditLines('user', id)).toContainEqual(
    expect.objectContaining({ action: 'password_reset', outcome: 'success', request_id }),
  )
  vi.restoreAllMocks()
  expect((await mailsTo(email)).map(({ subject }) => subject)).toHaveLength(1)
  expect((await login(username, 'another long password')).status).toBe(200)
  expect((await client().get('/api/users/me', { token: access_token })).status).toBe(401)
  await expectInvalidToken(token)
})

test('17: of two open links, using one makes the other invalid; so do a newer link, a change of the email and one of the password', async () => {
  const acts: ((user: Awaited<ReturnType<typeof returnedUser>>) => Promise<unknown>)[] = [
    async ({ id }) => reset(await legacyReset(id)),
    async ({ email }) => {
      await forgotPassword(email)
      await mailsTo(email)
    },
    ({ caller, access_token: token, username }) =>
      caller.put('/api/users/me', { email: `moved-${username}@example.com` }, { token }),
    ({ access_token }) => changePassword(access_token, PASSWORD),
  ]
  for (const act of acts) {
    const user = await returnedUser()
    const token = await legacyReset(user.id)
    await act(user)
    await expectInvalidToken(token)
  }
})

test('17: an admin who disables and enables a user, or deletes and restores, makes the link invalid', async () => {
  const { id } = await adoptedAdmin(true)
  const token = legacyToken(id, LEFT.access, 'superadmin')
  const [disabled, deleted] = [await adoptedUser(), await adoptedUser()]
  const links = [await legacyReset(disabled.id), await legacyReset(deleted.id)]
  const path = ({ id }: { id: number }) => `/api/admins/users/${id}`
  await client().patch(path(disabled), { is_active: false }, { token })
  await client().delete(path(deleted), undefined, { token })
  for (const link of links) await expectInvalidToken(link)
  await client().patch(path(disabled), { is_active: true }, { token })
  await client().post(`${path(deleted)}/restore`, undefined, { token })
  for (const link of links) await expectInvalidToken(link)
})

test('16: an expired link, an unknown one, another form, a token of another kind and an account made here are the same 400', async () => {
  const user = await returnedUser()
  const link = await legacyReset(user.id)
  const here = await newUser(client())
  for (const token of [
    await legacyReset(user.id, -1),
    await legacyReset(here.id),
    randomBytes(32).toString('base64url'),
    `${link}=`,
    ` ${link}`,
    link.slice(1),
    legacyToken(user.id),
    user.access_token,
  ]) {
    await expectInvalidToken(token)
  }
  expect((await check(link)).status).toBe(200)
})

test('13: an old link is 400 without LEGACY_SECRET_KEY, and as a link of an admin', async () => {
  const { id } = await adoptedUser()
  const token = await legacyReset(id)
  const off = visitor({ env: environment() })
  for (const response of [
    await checkReset(token, { client: off }),
    await resetPassword(token, undefined, { client: off }),
    await checkReset(token, { type: 'admins', client: client() }),
    await resetPassword(token, undefined, { type: 'admins', client: client() }),
  ]) {
    expectError(response, 400, 'BadRequestError', 'Invalid or expired token')
  }
  expect((await check(token)).status).toBe(200)
})

test('11: the table contains no token that could be presented', async () => {
  const { id } = await adoptedUser()
  const token = await legacyReset(id)
  const rows = await sql<{ text: string }>(
    `select r::text as text, encode(token_hash, 'base64') as base64 from legacy_password_resets r
     where user_id = $1`,
    [id],
  )
  expect(rows).toHaveLength(1)
  expect(JSON.stringify(rows)).not.toContain(token)
  for (const [, hash = ''] of JSON.stringify(rows).matchAll(/([\w-]{43})/g)) {
    await expectInvalidToken(hash)
  }
})

test('with the database down, an old link is 503, never 400', async () => {
  const { id } = await adoptedUser()
  const token = await legacyReset(id)
  const down = visitor({ env: { ...accepting, NEON_HTTP_URL: 'http://127.0.0.1:9' } })
  expectError(await checkReset(token, { client: down }), 503, 'DatabaseError')
  expectError(await resetPassword(token, undefined, { client: down }), 503, 'DatabaseError')
})
