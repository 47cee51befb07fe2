import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { logIn } from '../../setup/accounts.ts'
import { expectError, visitor } from '../../setup/api.ts'
import { expectInvalid, expectResponse, expectUnauthenticated, MOMENT } from '../../setup/shapes.ts'
import { ACCOUNT_TYPES } from './account-types.ts'

describe.each(ACCOUNT_TYPES)('sessions of $type', ({ type, create }) => {
  const path = `/api/${type}/me/sessions`

  const idOf = ({ access_token }: { access_token: string }) =>
    String(decodeJwt(access_token)['sid'])

  const me = (token: string) => visitor().get(`/api/${type}/me`, { token })

  test(`GET ${path} returns the last used session first, and marks the current one`, async () => {
    const here = await create()
    const { caller, username, password, access_token: token } = here
    const headers = { 'User-Agent': `Phone/1.0 ${'x'.repeat(300)}` }
    const phone = await caller.post(`/api/${type}/login`, { username, password }, { headers })
    const times = { created_at: MOMENT, last_used_at: MOMENT, expires_at: MOMENT }
    const device = `Phone/1.0 ${'x'.repeat(190)}`
    expectResponse(await caller.get(path, { token }), 200, [
      { ...times, id: idOf(phone.body), device, place: null, current: false },
      { ...times, id: idOf(here), device: null, place: null, current: true },
    ])
  })

  test(`DELETE ${path}/{id} ends that session; 404 for an ended, unknown or foreign session`, async () => {
    const [here, stranger] = [await create(), await create()]
    const { caller, username, access_token: token } = here
    const other = await logIn(caller, username, { kind: type })
    const revoke = (id: string) => caller.delete(`${path}/${id}`, undefined, { token })

    expect(await revoke(idOf(other))).toMatchObject({ status: 204, text: '' })
    expectUnauthenticated(await me(other.access_token))
    for (const id of [idOf(other), crypto.randomUUID(), idOf(stranger)]) {
      expectError(await revoke(id), 404, 'NotFoundError', 'No such session')
    }
    expectInvalid(await revoke('1'), 'id')
    expect((await me(stranger.access_token)).status).toBe(200)

    expect((await revoke(idOf(here))).status).toBe(204)
    expectUnauthenticated(await caller.get(path, { token }))
    expectUnauthenticated(await revoke(idOf(other)))
  })

  test(`DELETE ${path} ends all sessions but the current one`, async () => {
    const here = await create()
    const { caller, username, access_token: token, refresh_token } = here
    const other = await logIn(caller, username, { kind: type })
    const response = await caller.delete(path, undefined, { token })
    expect(response).toMatchObject({ status: 204, text: '' })
    expectUnauthenticated(await me(other.access_token))
    expect((await caller.get(path, { token })).body).toMatchObject([{ id: idOf(here) }])
    expect((await caller.post(`/api/${type}/refresh`, { refresh_token })).status).toBe(200)
  })
})
