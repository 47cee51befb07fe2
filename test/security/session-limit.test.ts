import { expect, test } from 'vitest'
import { openSession } from '../../src/db/sessions.ts'
import { ACCOUNT_TYPES } from '../routes/account/account-types.ts'
import { logIn, newAdmin, newUser } from '../setup/accounts.ts'
import { visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectInvalid } from '../setup/shapes.ts'
import { atOnce, auditLines, resourcesOf } from './attack.ts'

/** Sessions as logins open them, used at the given number of minutes ago. */
const addSessions = (type: 'user' | 'admin', id: number, minutesAgo: number[]) =>
  sql(
    `insert into ${type}_sessions (id, account_id, epoch, expires_at, ends_at, last_used_at, place)
     select gen_random_uuid(), $1, 0, now() + interval '1 day', now() + interval '1 day',
       now() - make_interval(mins => minutes), minutes::text
     from unnest($2::int[]) as minutes`,
    [id, minutesAgo],
  )

test.each([
  ['users', 'user', newUser],
  ['admins', 'admin', newAdmin],
] as const)(
  '11: an account of %s has fifty open sessions: a further login ends the one that was not used for longest, with a line in the audit trail',
  async (type, kind, create) => {
    const { caller, id, username, access_token: token } = await create()
    await addSessions(
      kind,
      id,
      Array.from({ length: 49 }, (_, i) => i + 1),
    )
    const places = async () => {
      const { body } = await visitor().get(`/api/${type}/me/sessions`, { token })
      return (body as { place: string | null }[]).map(({ place }) => place)
    }
    expect(await places()).toHaveLength(50)
    const ended = async () =>
      (await auditLines(kind, id)).filter(({ action }) => action === 'oldest_session_ended')
    expect(await ended()).toEqual([])

    await logIn(caller, username, { kind: type })
    expect(await places()).toHaveLength(50)
    expect(await places()).not.toContain('49')
    expect(await places()).toContain('48')
    expect(await ended()).toMatchObject([{ actor: `${kind}:${id}`, outcome: 'success' }])
  },
)

test('11: seventy logins that wait for the same account leave fifty open sessions', async () => {
  const { id } = await newUser()
  const { db } = resourcesOf()
  const open = () =>
    openSession.user(db, {
      ...{ accountId: id, passwordVersion: 0, refreshTokenSeconds: 3600 },
      ...{ sessionId: crypto.randomUUID(), requestId: crypto.randomUUID() },
    })
  const hold = sql('select pg_sleep(1) from (select from users where id = $1 for update) u', [id])
  await scheduler.wait(200)
  expect(await atOnce(70, open)).toEqual(Array(70).fill({ id, elevated: false }))
  await hold
  const [row] = await sql<{ open: number }>(
    `select count(*)::int as open from user_sessions s join users u on u.id = s.account_id
     where u.id = $1 and s.revoked_at is null and s.epoch = u.session_epoch`,
    [id],
  )
  expect(row?.open).toBe(50)
  const ended = await auditLines('user', id)
  expect(ended.filter(({ action }) => action === 'oldest_session_ended')).toHaveLength(21)
})

test.each(ACCOUNT_TYPES)(
  'GET /api/$type/me/sessions returns pages, the last used session first; 422 for a page that cannot be',
  async ({ type, kind, create }) => {
    const { id, access_token: token } = await create()
    await addSessions(kind, id, [3, 1, 2])
    const list = (query: string) => visitor({ token }).get(`/api/${type}/me/sessions?${query}`)
    const places = async (query: string) =>
      ((await list(query)).body as unknown as { place: string | null }[]).map(({ place }) => place)
    expect(await places('page_size=3')).toEqual([null, '1', '2'])
    expect(await places('page=2&page_size=3')).toEqual(['3'])
    expect(await places('page=3&page_size=3')).toEqual([])
    for (const query of ['page=0', 'page=51', 'page_size=0', 'page_size=51', 'page=x']) {
      expectInvalid(await list(query), query.split('=')[0] ?? '')
    }
  },
)
