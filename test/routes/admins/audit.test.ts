import { expect, test } from 'vitest'
import { newAdmin, registerUser } from '../../setup/accounts.ts'
import { expectError, visitor } from '../../setup/api.ts'
import { expectInvalid, expectUnauthenticated, MOMENT, UUID } from '../../setup/shapes.ts'

test('GET /api/admins/audit returns the events that match the filters, newest first, page by page', async () => {
  const admin = await newAdmin({ superadmin: true })
  const user = await registerUser(visitor({ address: '203.0.113.77' }))
  await user.caller.post('/api/users/login', { username: user.username, password: 'wrong' })
  await user.caller.post('/api/users/logout', { refresh_token: user.refresh_token })
  const audit = async (query: string) => {
    const path = `/api/admins/audit?target_kind=user&target_id=${user.id}${query}`
    const { status, body } = await admin.caller.get(path, { token: admin.access_token })
    expect(status).toBe(200)
    return body
  }
  const { items, next_cursor } = await audit('')
  expect(next_cursor).toBeNull()
  expect(items.map(({ action }: { action: string }) => action)).toEqual([
    ...['logout', 'login', 'login', 'register'],
  ])
  expect(items[1]).toEqual({
    id: expect.any(Number),
    at: MOMENT,
    action: 'login',
    outcome: 'failure',
    reason: 'wrong_password',
    actor_kind: null,
    actor_id: null,
    target_kind: 'user',
    target_id: user.id,
    details: null,
    network: '203.0.113.0/24',
    country: null,
    request_id: expect.stringMatching(UUID),
  })

  const first = await audit('&page_size=3')
  const second = await audit(`&page_size=3&cursor=${first.next_cursor}`)
  expect([...first.items, ...second.items]).toEqual(items)
  const [logout, , login, register] = items
  for (const [query, expected] of [
    ['outcome=success&action=login&actor_kind=user', [login]],
    [`actor_id=${user.id}`, [logout, login, register]],
    ['since=2999-01-01T00:00:00Z', []],
    ['until=2999-01-01T00:00:00%2B02:00', items],
  ]) {
    expect((await audit(`&${query}`)).items).toEqual(expected)
  }
})

test('GET /api/admins/audit returns 403 for plain admins, 401 after logout, 422 for invalid filters', async () => {
  const { caller, refresh_token, access_token: token } = await newAdmin()
  const audit = (query: string) => caller.get(`/api/admins/audit?${query}`, { token })
  expectError(await audit(''), 403, 'AuthorizationError', 'This needs a superadmin')
  for (const [query, field] of [
    ['action=hack', 'action'],
    ['outcome=x', 'outcome'],
    ['actor_id=0', 'actor_id'],
    ['since=now', 'since'],
    ['until=0000-01-01T00:00:00Z', 'until'],
    ['page_size=101', 'page_size'],
    [`cursor=${btoa('{"before":"1"}').replaceAll('=', '')}`, 'cursor.before'],
  ] as const) {
    expectInvalid(await audit(query), field)
  }
  await caller.post('/api/admins/logout', { refresh_token })
  expectUnauthenticated(await audit(''))
})
