import { expect, test } from 'vitest'
import { newAdmin, registerUser } from '../../setup/accounts.ts'
import { expectError, visitor } from '../../setup/api.ts'
import { expectInvalid, expectUnauthenticated, MOMENT, UUID } from '../../setup/shapes.ts'

test('GET /api/admins/audit tells superadmins who did what, newest first, page by page', async () => {
  const [admin, user] = [
    await newAdmin({ superadmin: true }),
    await registerUser(visitor({ address: '203.0.113.77' })),
  ]
  await user.caller.post('/api/users/login', { username: user.username, password: 'wrong' })
  await user.caller.post('/api/users/logout', { refresh_token: user.refresh_token })
  const audit = async (query: string) => {
    const path = `/api/admins/audit?target_kind=user&target_id=${user.id}${query}`
    const { status, body } = await admin.caller.get(path, { token: admin.access_token })
    expect(status).toBe(200)
    return body
  }
  const { items, next_cursor } = await audit('')
  expect(items.map(({ action }: { action: string }) => action)).toEqual([
    'logout',
    'login',
    'login',
    'register',
  ])
  expect(next_cursor).toBeNull()
  expect(items[1]).toEqual({
    ...{
      id: expect.any(Number),
      at: MOMENT,
      action: 'login',
      request_id: expect.stringMatching(UUID),
    },
    ...{ outcome: 'failure', reason: 'wrong_password', actor_kind: null, actor_id: null },
    ...{ target_kind: 'user', target_id: user.id, network: '203.0.113.0/24', country: null },
  })

  const first = await audit('&page_size=3')
  const second = await audit(`&page_size=3&cursor=${first.next_cursor}`)
  expect([...first.items, ...second.items]).toEqual(items)
  expect((await audit('&outcome=success&action=login&actor_kind=user')).items).toEqual([items[2]])
  expect((await audit(`&actor_id=${user.id}`)).items).toHaveLength(3)
  expect((await audit('&since=2999-01-01T00:00:00Z')).items).toEqual([])
  expect((await audit('&until=2999-01-01T00:00:00%2B02:00')).items).toHaveLength(4)
})

test('GET /api/admins/audit answers 403 for plain admins, 401 when signed out, 422 for bad filters', async () => {
  const { caller, refresh_token, access_token: token } = await newAdmin()
  const audit = (query: string) => caller.get(`/api/admins/audit${query}`, { token })
  expectError(await audit(''), 403, 'AuthorizationError', 'This needs a superadmin')
  for (const query of [
    'action=hack',
    'outcome=x',
    'actor_id=0',
    'since=now',
    'until=0000-01-01T00:00:00Z',
    'page_size=101',
  ]) {
    expectInvalid(await audit(`?${query}`), query.split('=')[0] ?? '')
  }
  expectInvalid(
    await audit(`?cursor=${btoa('{"before":"1"}').replaceAll('=', '')}`),
    'cursor.before',
  )
  await caller.post('/api/admins/logout', { refresh_token })
  expectUnauthenticated(await audit(''))
})
