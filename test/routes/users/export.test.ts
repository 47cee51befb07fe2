import { expect, test } from 'vitest'
import { MAX_EXPORTED } from '../../../src/db/export.ts'
import { heldQueue } from '../../security/faulty-world.ts'
import { logIn, newAdmin, newUser } from '../../setup/accounts.ts'
import { environment, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import {
  expectResponse,
  expectUnauthenticated,
  MOMENT,
  UUID,
  userRead,
} from '../../setup/shapes.ts'

const exportOf = (token: string) => visitor({ token }).get('/api/users/me/export')

const all = (items: unknown[]) => ({ items, complete: true })

test('GET /api/users/me/export returns what is kept about the user as a file', async () => {
  const caller = visitor({
    address: '203.0.113.77',
    env: environment({ MAIL_QUEUE: heldQueue().queue }),
    cf: { country: 'DE', city: 'Berlin' },
  })
  const { id, username, email, access_token: token } = await newUser(caller)
  const moved = `moved-${email}`
  await caller.put('/api/users/me', { email: moved }, { token })
  await caller.post('/api/users/login', { username, password: 'wrong' })
  await resetTokenOf(id)
  await sql(
    `insert into legacy_password_resets values ('\\x00', $1, now() + interval '1 minute')`,
    [id],
  )

  const { status, headers, body } = await exportOf(token)
  const event = {
    ...{ at: MOMENT, outcome: 'success', reason: null, actor_kind: 'user', details: null },
    ...{ request_id: expect.stringMatching(UUID), network: '203.0.113.0/24', country: 'DE' },
  }
  const wrong = { outcome: 'failure', reason: 'wrong_password', actor_kind: null }
  const email_changed = { kind: 'email-changed', created_at: MOMENT }
  const counted = (key: string) => ({ key, count: 1, resets_at: MOMENT })
  expectResponse({ status, body, headers, text: '' }, 200, {
    exported_at: MOMENT,
    account: userRead({ id, username, email: moved }),
    password_reset: { issued_at: MOMENT, expires_at: MOMENT },
    legacy_password_resets: all([{ expires_at: MOMENT }]),
    sessions: all([
      {
        ...{ id: expect.stringMatching(UUID), device: null, place: 'Berlin, DE', is_open: true },
        ...{ created_at: MOMENT, last_used_at: MOMENT, expires_at: MOMENT },
      },
    ]),
    networks: all([{ network: '203.0.113.0/24', last_login_at: MOMENT }]),
    pending_emails: all(
      expect.arrayContaining([
        { ...email_changed, recipient: email },
        { ...email_changed, recipient: moved },
      ]),
    ),
    attempts: all([counted(`email-change:user:${id}`), counted(`user:${id}@203.0.113.0/24`)]),
    audit_events: all([
      { ...event, action: 'login', ...wrong },
      { ...event, action: 'email_change', details: { email: 'changed' } },
      { ...event, action: 'login' },
    ]),
  })
  expect(headers.get('Content-Disposition')).toBe(`attachment; filename="account-${id}.json"`)
  expect(headers.get('Cache-Control')).toBe('no-store')
})

test('GET /api/users/me/export is an event itself, and of an admin’s act tells no id, network or country', async () => {
  const user = await newUser()
  const admin = await newAdmin({ caller: visitor({ cf: { country: 'FR' } }) })
  const { caller, access_token: token } = admin
  await caller.patch(`/api/admins/users/${user.id}`, { full_name: 'Ada' }, { token })
  const first = await exportOf(user.access_token)
  const second = await exportOf(user.access_token)
  const [exported, updated] = second.body.audit_events.items
  expect(exported).toMatchObject({ action: 'data_exported', actor_kind: 'user' })
  expect(exported.request_id).toBe(first.headers.get('X-Request-ID'))
  expect(updated).toEqual({
    ...{ at: MOMENT, action: 'user_updated', outcome: 'success', reason: null },
    ...{ actor_kind: 'admin', details: { full_name: 'changed' }, network: null, country: null },
    request_id: expect.stringMatching(UUID),
  })
})

test('GET /api/users/me/export contains ended sessions, and nothing of another user', async () => {
  const [user, other] = [await newUser(), await newUser()]
  const { refresh_token } = await logIn(visitor(), user.username)
  await visitor().post('/api/users/logout', { refresh_token })
  const { text, body } = await exportOf(user.access_token)
  const states = body.sessions.items.map(({ is_open }: { is_open: boolean }) => is_open)
  expect(states).toEqual([false, true])
  expect(text).not.toContain(other.username)
  for (const secret of [user.refresh_token, '$2b$', 'session_epoch', 'counter']) {
    expect(text).not.toContain(secret)
  }
})

test('GET /api/users/me/export tells which sessions are open, also after an admin has ended those before', async () => {
  const [{ caller, id, username }, admin] = [await newUser(), await newAdmin()]
  await visitor({ token: admin.access_token }).delete(`/api/admins/users/${id}/sessions`)
  const { body } = await exportOf((await logIn(caller, username)).access_token)
  const states = body.sessions.items.map(({ is_open }: { is_open: boolean }) => is_open)
  expect(states).toEqual([true, false])
})

test('GET /api/users/me/export of more than a thousand events contains the newest and says that there are more', async () => {
  const { id, access_token } = await newUser()
  const addEvents = (count: number) =>
    sql(
      `insert into audit_events (action, outcome, target_kind, target_id, request_id)
       select 'login', 'failure', 'user', $1, gen_random_uuid() from generate_series(1, $2)`,
      [id, count],
    )
  // With the login above.
  await addEvents(MAX_EXPORTED - 1)
  const whole = (await exportOf(access_token)).body.audit_events
  expect(whole).toMatchObject({ complete: true, items: { length: MAX_EXPORTED } })
  const { complete, items } = (await exportOf(access_token)).body.audit_events
  expect({ complete, count: items.length }).toEqual({ complete: false, count: MAX_EXPORTED })
  expect(items[0].action).toBe('data_exported')
})

test('GET /api/users/me/export returns 401 after logout, and 429 after ten calls of an address', async () => {
  const { caller, refresh_token, access_token: token } = await newUser()
  const statuses = []
  for (let i = 0; i < 11; i++) {
    statuses.push((await caller.get('/api/users/me/export', { token })).status)
  }
  expect(statuses).toEqual([...Array(10).fill(200), 429])
  await caller.post('/api/users/logout', { refresh_token })
  expectUnauthenticated(await exportOf(token))
})
