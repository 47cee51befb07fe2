import { beforeAll, describe, expect, test } from 'vitest'
import { freshName, mailsTo, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { send } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { auditLines, openReset } from './attack.ts'

const NEW_PASSWORD = 'another long password'

let superadmin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  superadmin = await newAdmin({ superadmin: true })
})

/** A request from a known place, as Cloudflare tells it. */
async function fromBerlin(method: string, path: string, body?: unknown, token?: string) {
  const headers = new Headers({
    'Content-Type': 'application/json',
    'CF-Connecting-IP': `2001:db8:${crypto.randomUUID().slice(0, 4)}:1::7`,
    ...(token && { Authorization: `Bearer ${token}` }),
  })
  const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) }
  const cf = { country: 'DE', city: 'Berlin' }
  return send(new Request(`https://accounts.example.com${path}`, { ...init, cf }))
}

const SUCCESS = { outcome: 'success', reason: null }

describe('each act has its line', () => {
  test('ASVS 16.2.1: what a user does stands in the trail, with actor, target, request, network and country', async () => {
    const username = freshName()
    const email = `${username}@example.com`
    const credentials = { username, password: PASSWORD }
    const registered = await fromBerlin('POST', '/api/users/register', { ...credentials, email })
    const { id } = registered.body as { id: number }
    const login = async (password: string) =>
      fromBerlin('POST', '/api/users/login', { username, password })
    const [wrong, first, second] = [
      await login('wrong pass'),
      await login(PASSWORD),
      await login(PASSWORD),
    ]
    const { access_token, refresh_token } = first.body as Record<string, string>
    const other = second.body as Record<string, string>
    const me = (method: string, path: string, body?: unknown) =>
      fromBerlin(method, `/api/users${path}`, body, access_token)
    const [{ id: otherSession }] = (await sql<{ id: string }>(
      'select id from user_sessions where account_id = $1 order by created_at desc limit 1',
      [id],
    )) as [{ id: string }]

    const acts: [action: string, rest: object, done: { status: number; headers: Headers }][] = [
      ['register', SUCCESS, registered],
      ['login', { outcome: 'failure', reason: 'wrong_password', actor: null }, wrong],
      ['login', SUCCESS, first],
      ['login', SUCCESS, second],
      ['profile_update', SUCCESS, await me('PUT', '/me', { full_name: 'Ada' })],
      ['email_change', SUCCESS, await me('PUT', '/me', { email: `moved-${email}` })],
      ['session_revoked', SUCCESS, await me('DELETE', `/me/sessions/${otherSession}`)],
      ['other_sessions_revoked', SUCCESS, await me('DELETE', '/me/sessions')],
      [
        'password_change',
        { outcome: 'failure', reason: 'wrong_password' },
        await me('POST', '/change-password', { current_password: 'x', new_password: NEW_PASSWORD }),
      ],
      [
        'password_change',
        SUCCESS,
        await me('POST', '/change-password', {
          current_password: PASSWORD,
          new_password: NEW_PASSWORD,
        }),
      ],
      [
        'account_deleted',
        { outcome: 'failure', reason: 'wrong_password' },
        await me('DELETE', '/me', { password: 'x' }),
      ],
      ['logout', SUCCESS, await fromBerlin('POST', '/api/users/logout', { refresh_token })],
      [
        'password_reset',
        SUCCESS,
        await fromBerlin('POST', '/api/password/reset-password', {
          token: await openReset(id),
          new_password: PASSWORD,
        }),
      ],
    ]
    expect(other['access_token']).toBeDefined()
    const last = (await login(PASSWORD)) as {
      body: Record<string, string>
      status: number
      headers: Headers
    }
    acts.push(['login', SUCCESS, last])
    const deleted = await fromBerlin(
      'DELETE',
      '/api/users/me',
      { password: PASSWORD },
      last.body['access_token'],
    )
    acts.push(['account_deleted', SUCCESS, deleted])

    const who = `user:${id}`
    expect(await auditLines('user', id)).toEqual(
      acts.map(([action, rest, { headers }]) => ({
        ...{ action, actor: who, target: who, country: 'DE', ...rest },
        request_id: headers.get('X-Request-ID'),
        network: expect.stringMatching(/^2001:0db8:[0-9a-f]{4}::\/48$/),
      })),
    )
  })

  test('ASVS 16.2.1: what an admin does to a user stands in the trail, by whom and to whom', async () => {
    const user = await registerUser()
    const before = (await auditLines('user', user.id)).length
    const act = (method: string, path = '', body?: unknown) =>
      fromBerlin(method, `/api/admins/users/${user.id}${path}`, body, superadmin.access_token)
    await act('GET')
    const done = [
      ['user_updated', await act('PATCH', '', { is_superuser: true })],
      ['user_sessions_revoked', await act('DELETE', '/sessions')],
      ['user_deleted', await act('DELETE')],
      ['user_restored', await act('POST', '/restore')],
    ] as const
    const lines = await auditLines('user', user.id)
    expect(lines.slice(before)).toEqual(
      done.map(([action, { headers }]) => ({
        ...{ action, ...SUCCESS, actor: `admin:${superadmin.id}`, target: `user:${user.id}` },
        request_id: headers.get('X-Request-ID'),
        network: expect.stringMatching(/::\/48$/),
        country: 'DE',
      })),
    )
  })

  test('ASVS 16.3.1: a request for a reset is told with the request that asked, a failure for nobody without an account', async () => {
    const user = await registerUser()
    const asked = await fromBerlin('POST', '/api/password/forgot-password', { email: user.email })
    await mailsTo(user.email, 2)
    expect((await auditLines('user', user.id)).at(-1)).toMatchObject({
      ...{ action: 'password_reset_requested', ...SUCCESS, actor: null, target: `user:${user.id}` },
      ...{ request_id: asked.headers.get('X-Request-ID'), country: 'DE' },
    })
    const failed = await fromBerlin('POST', '/api/users/login', {
      username: freshName('nobody'),
      password: PASSWORD,
    })
    const rows = await sql(
      'select action, outcome, reason, actor_id, target_id from audit_events where request_id = $1',
      [failed.headers.get('X-Request-ID')],
    )
    expect(rows).toEqual([
      {
        ...{ action: 'login', outcome: 'failure', reason: 'unknown_account' },
        ...{ actor_id: null, target_id: null },
      },
    ])
  })
})
