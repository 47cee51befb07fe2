import { test } from 'vitest'
import { newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { adminRead, expectResponse, expectUnauthenticated } from '../../setup/shapes.ts'

test('GET /api/admins/me returns the current admin; 403 for a user, 401 for a disabled admin', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const { caller, id, username, email, access_token } = admin
  const me = (token: string) => caller.get('/api/admins/me', { token })
  expectResponse(await me(access_token), 200, adminRead({ id, username, email }))
  const message = 'This needs the token of an admin'
  expectError(await me(user.access_token), 403, 'AuthorizationError', message)
  await sql('update admins set is_active = false where id = $1', [id])
  expectUnauthenticated(await me(access_token))
})
