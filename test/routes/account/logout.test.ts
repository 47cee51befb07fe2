import { expect, test } from 'vitest'
import { sql } from '../../setup/database.ts'
import { expectUnauthenticated } from '../../setup/shapes.ts'
import { ACCOUNT_TYPES } from './account-types.ts'

test.each(ACCOUNT_TYPES)(
  'POST /api/$type/logout returns 204 and ends the session, also for a token that is no longer valid',
  async ({ type, kind, create }) => {
    const { caller, id, refresh_token, access_token: token } = await create()
    const logOut = (token: string) => caller.post(`/api/${type}/logout`, { refresh_token: token })
    expect(await logOut(refresh_token)).toMatchObject({ status: 204, text: '' })
    expectUnauthenticated(
      await caller.post(`/api/${type}/refresh`, { refresh_token }),
      'Invalid or expired refresh token',
    )
    expectUnauthenticated(await caller.get(`/api/${type}/me`, { token }))
    expect((await logOut(refresh_token)).status).toBe(204)
    expect((await logOut('garbage')).status).toBe(204)
    const events = await sql(
      "select 1 from audit_events where action = 'logout' and actor_kind = $1 and actor_id = $2",
      [kind, id],
    )
    expect(events).toHaveLength(1)
  },
)
