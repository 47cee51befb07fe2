/** The typed client (client/) in workerd, as a Worker that calls the service uses it. */
import { expect, test } from 'vitest'
import { createClient } from '../client/dist/index.js'
import { freshName, newAdmin, PASSWORD } from './setup/accounts.ts'
import { freshAddress, send } from './setup/api.ts'

/** Like a service binding, which takes the place of the network. */
function newClient() {
  const address = freshAddress()
  return createClient({
    url: 'https://accounts.example.com',
    async fetch(input, init) {
      const request = new Request(input, init)
      request.headers.set('CF-Connecting-IP', address)
      const { status, headers, text } = await send(request)
      return new Response(text || null, { status, headers })
    },
  })
}

test('the client registers, logs in, refreshes and logs out', async () => {
  const accounts = newClient()
  const username = freshName()
  const email = `${username}@example.com`
  const user = await accounts.registerUser({ username, email, password: PASSWORD })
  await accounts.loginUser({ email, password: PASSWORD })
  expect(accounts.user.current()).toEqual({ id: user.id, role: 'user' })
  expect(await accounts.getCurrentUser()).toEqual(user)
  expect(await accounts.refreshUserTokens()).toMatchObject({ token_type: 'bearer' })
  await accounts.logoutUser()
  expect(accounts.user.current()).toBeNull()
})

test('the client lists users as an admin while a user is signed in', async () => {
  const accounts = newClient()
  const { username } = await newAdmin()
  const registered = { username: freshName(), email: `${freshName()}@example.com` }
  await accounts.registerUser({ ...registered, password: PASSWORD })
  await accounts.loginUser({ username: registered.username, password: PASSWORD })
  await expect(accounts.listUsers()).rejects.toMatchObject({ status: 401 })
  await accounts.loginAdmin({ username, password: PASSWORD })
  const { items } = await accounts.listUsers({ search: registered.username, is_active: true })
  expect(items).toMatchObject([registered])
  expect(await accounts.getCurrentUser()).toMatchObject(registered)
})

test('the error of a 422 and of a 409 name the field', async () => {
  const accounts = newClient()
  const username = freshName()
  const account = { username, email: `${username}@example.com`, password: PASSWORD }
  await accounts.registerUser(account)
  await expect(accounts.registerUser(account)).rejects.toMatchObject({
    status: 409,
    error: 'DuplicateRecordError',
    requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    fields: { username: expect.any(String) },
  })
  await expect(accounts.registerUser({ ...account, email: 'none' })).rejects.toMatchObject({
    status: 422,
    fields: { email: expect.any(String) },
  })
})
