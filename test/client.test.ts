/** The typed client of docs/typed-client.md, compiled and run. */
import { hc, type InferResponseType } from 'hono/client'
import { expect, expectTypeOf, test } from 'vitest'
import type { App } from '../src/app.ts'
import { freshName, newAdmin, PASSWORD } from './setup/accounts.ts'
import { freshAddress, send } from './setup/api.ts'

type User = {
  id: number
  username: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  created_at: string
  updated_at: string
}

type TokenPair = {
  access_token: string
  /** Absent in cookie mode. */
  refresh_token?: string | undefined
  token_type: 'bearer'
  expires_in: number
}

const address = freshAddress()

const client = hc<App>('https://accounts.example.com', {
  headers: { 'CF-Connecting-IP': address },
  fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
    const { status, headers, text } = await send(new Request(input, init))
    return new Response(text || null, { status, headers })
  },
})

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

test('hc<App> types register, login, GET /api/users/me and refresh', async () => {
  const username = freshName()
  const registered = await client.api.users.register.$post({
    json: { username, email: `${username}@example.com`, password: PASSWORD },
  })
  expect(registered.status).toBe(201)
  const user = await registered.json()
  expectTypeOf(user).toEqualTypeOf<User>()

  const login = await client.api.users.login.$post({ json: { username, password: PASSWORD } })
  const tokens = await login.json()
  expectTypeOf(tokens).toEqualTypeOf<TokenPair>()

  const me = await client.api.users.me.$get({}, bearer(tokens.access_token))
  expect(await me.json()).toEqual(user)

  const { refresh_token } = tokens
  const refreshed = await client.api.users.refresh.$post({ json: { refresh_token } })
  expectTypeOf(await refreshed.json()).toEqualTypeOf<TokenPair>()
  expect(refreshed.ok).toBe(true)
})

test('hc<App> types path parameters and the query of GET /api/admins/users', async () => {
  const { access_token } = await newAdmin()
  const listed = await client.api.admins.users.$get(
    { query: { page: '1', page_size: '5', is_active: 'true', sort: '-created_at' } },
    bearer(access_token),
  )
  const page = await listed.json()
  expectTypeOf(page.items).toEqualTypeOf<User[]>()
  expectTypeOf(page.next_cursor).toEqualTypeOf<string | null>()
  expect(page.page_size).toBe(5)

  const byId = client.api.admins.users[':id']
  const missing = await byId.$get({ param: { id: '2147483647' } }, bearer(access_token))
  expect(missing.status).toBe(404)
  expectTypeOf<InferResponseType<typeof byId.$patch>>().toEqualTypeOf<User>()
})

test('hc<App> rejects at compile time what the API rejects', async () => {
  const response = await client.api.users.login.$post({
    // @ts-expect-error a password is a string
    json: { username: 'ada', password: 7 },
  })
  expect(response.status).toBe(422)
  // @ts-expect-error there is no such sort
  client.api.admins.users.$url({ query: { sort: 'password' } })
  // @ts-expect-error there is no such operation
  expect(client.api.users.me.$patch).toBeDefined()
})
