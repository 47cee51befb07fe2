/** What people have of the former service, at the Worker after `npm run adopt`. */
import { createHmac } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { PASSWORD, RESET_TOKEN } from '../../bench/adopt/old-database.ts'
import { adopt, newDatabase, oldDatabase } from '../repository/old-service.ts'
import { call, freshAddress, serveBundle } from './served-bundle.ts'

const LEGACY_SECRET_KEY = 'your-secret-key-change-in-production'

const DAY_MS = 24 * 60 * 60 * 1000

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token as python-jose made it. */
function oldToken(id: number, role: string, secondsLeft: number) {
  const exp = Math.floor(Date.now() / 1000) + secondsLeft
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ id, role, exp })}`
  return `${text}.${createHmac('sha256', LEGACY_SECRET_KEY).update(text).digest('base64url')}`
}

test('after npm run adopt, old passwords log in, old tokens and an open reset link work, once each', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  await adopt(from, to)
  const worker = await serveBundle({
    DATABASE_URL: to.url,
    LEGACY_SECRET_KEY,
    LEGACY_UNTIL: new Date(Date.now() + 7 * DAY_MS).toISOString().slice(0, 10),
  })
  onTestFinished(() => worker.close())
  const post = (path: string, body: object) =>
    call(`${worker.url}/api/${path}`, { method: 'POST', body, headers: freshAddress() })
  const logIn = (username: string, type = 'users') =>
    post(`${type}/login`, { username, password: PASSWORD })

  // By username, by email, in other spellings; with a name that nobody could choose today, or a new one.
  for (const name of [
    'ada',
    'ADA@example.com',
    'Ａｄａ',
    '=cmd|calc',
    'evil.com',
    'inv\u00adisible',
    'user-13',
  ]) {
    expect([name, (await logIn(name)).status]).toEqual([name, 200])
  }
  expect((await logIn('root', 'admins')).status).toBe(200)
  // The name of a thief is the email of somebody else, who has the same password here.
  const { body } = await logIn('GRACE@example.com')
  const me = await call(`${worker.url}/api/users/me`, { token: body.access_token })
  expect(me.body).toMatchObject({ id: 5, email: 'Grace@Example.com' })
  for (const name of ['plain', 'expensive', 'nohash']) expect((await logIn(name)).status).toBe(401)

  const old = await call(`${worker.url}/api/users/me`, { token: oldToken(22, 'user', 600) })
  expect(old).toMatchObject({ status: 200, body: { id: 22, username: 'cheap' } })
  const refresh = { refresh_token: oldToken(22, 'user', 6 * 24 * 60 * 60) }
  expect((await post('users/refresh', refresh)).status).toBe(200)
  const rejected = { refresh_token: oldToken(18, 'user', 6 * 24 * 60 * 60) }
  expect((await post('users/refresh', rejected)).status).toBe(401)

  const reset = { token: RESET_TOKEN, new_password: 'an entirely new passphrase' }
  expect((await post('password/reset-password', reset)).status).toBe(200)
  expect((await post('password/reset-password', reset)).status).toBe(400)
  expect((await logIn('ada')).status).toBe(401)

  // The old database has not noticed; what was used here does not come back.
  const { outcome } = await adopt(from, to, { isSince: true })
  expect(outcome.users).toMatchObject({ updated: 0, conflicts: 0 })
  expect((await post('password/reset-password', reset)).status).toBe(400)
  expect((await logIn('ada')).status).toBe(401)
})
