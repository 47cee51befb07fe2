import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { newUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { expectInvalid, expectUnauthenticated, MOMENT } from '../../setup/shapes.ts'

const sessionOf = (token: string) => String(decodeJwt(token)['sid'])

test('GET /api/users/me/sessions lists the devices, last used first, and marks the current one', async () => {
  const user = await newUser()
  const { caller, username, password, access_token: token } = user
  const phone = await caller.post(
    '/api/users/login',
    { username, password },
    { headers: { 'User-Agent': `Phone/1.0 ${'x'.repeat(300)}` } },
  )
  const { status, body } = await caller.get('/api/users/me/sessions', { token })
  expect(status).toBe(200)
  const session = {
    ...{ place: null, created_at: MOMENT, last_used_at: MOMENT, expires_at: MOMENT },
  }
  expect(body).toEqual([
    {
      ...session,
      id: sessionOf(phone.body.access_token),
      device: `Phone/1.0 ${'x'.repeat(190)}`,
      current: false,
    },
    { ...session, id: sessionOf(token), device: null, current: true },
  ])
})

test('DELETE /api/users/me/sessions/{id} ends one session; others’, unknown and malformed ids are refused', async () => {
  const [user, stranger] = [await newUser(), await newUser()]
  const { caller, username, password, access_token: token } = user
  const other = await caller.post('/api/users/login', { username, password })
  const revoke = (id: string) => caller.delete(`/api/users/me/sessions/${id}`, undefined, { token })

  const id = sessionOf(other.body.access_token)
  expect(await revoke(id)).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await caller.get('/api/users/me', { token: other.body.access_token }))
  for (const gone of [id, crypto.randomUUID(), sessionOf(stranger.access_token)]) {
    expectError(await revoke(gone), 404, 'NotFoundError', 'No such session')
  }
  expectInvalid(await revoke('1'), 'id')
  expect(
    (await stranger.caller.get('/api/users/me', { token: stranger.access_token })).status,
  ).toBe(200)

  expect((await revoke(sessionOf(token))).status).toBe(204)
  expectUnauthenticated(await caller.get('/api/users/me/sessions', { token }))
  expectUnauthenticated(await revoke(id))
})

test('DELETE /api/users/me/sessions ends all sessions but the current one', async () => {
  const { caller, username, password, access_token: token, refresh_token } = await newUser()
  const other = await caller.post('/api/users/login', { username, password })
  const answer = await caller.delete('/api/users/me/sessions', undefined, { token })
  expect(answer).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await caller.get('/api/users/me', { token: other.body.access_token }))
  const { body } = await caller.get('/api/users/me/sessions', { token })
  expect(body).toHaveLength(1)
  expect((await caller.post('/api/users/refresh', { refresh_token })).status).toBe(200)
})
