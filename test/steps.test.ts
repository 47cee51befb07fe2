/**
 * The latency of a call at the edge is its number of sequential round trips, so each call has a budget
 * of them. This file counts them on the wire. Parallel round trips are one step.
 */
import { afterAll, expect, test, vi } from 'vitest'
import { freshName, logIn, newAdmin, newcomer, newUser, PASSWORD } from './setup/accounts.ts'
import { type Visitor, visitor } from './setup/api.ts'
import { openApi } from './setup/conformance.ts'
import { emptyDatabase } from './setup/database.ts'
import {
  adoptedUser,
  dayIn,
  LEFT,
  LEGACY_SECRET,
  legacyReset,
  legacyToken,
} from './setup/legacy.ts'
import { resetTokenOf } from './setup/reset-token.ts'
import { watchedWorker } from './setup/trips.ts'

const { env, caller, slowDown, watch, close } = await watchedWorker()

// This loads the limiter's script into Redis: EVALSHA is one trip, EVAL after NOSCRIPT would be two.
const user = await newUser(caller)
const superadmin = await newAdmin({ superadmin: true, caller })
const [leaving, resetting] = [await newUser(caller), await newUser(caller)]
const adminElsewhere = await logIn(caller, superadmin.username, { kind: 'admins' })
const first = visitor({ env: { ...env, DATABASE_URL: await emptyDatabase() } })
const overIPv6 = visitor({ address: '2001:db8:5:6::7', env })
const LEGACY = { LEGACY_SECRET_KEY: LEGACY_SECRET, LEGACY_UNTIL: dayIn(7) }
const legacy = visitor({ env: { ...env, ...LEGACY } })
const adopted = await adoptedUser()
const exhausted = visitor({ env: { ...env, RATE_LIMIT_PER_HOUR: '1' } })
const asPrometheus = String(env.ADMIN_BOOTSTRAP_TOKEN).slice(1)
// Its flush is planned by this request, and waits for the end. The requests after it plan none.
const flushing = Promise.withResolvers<void>()
vi.spyOn(scheduler, 'wait').mockReturnValue(flushing.promise)
const metered = visitor({ env: { ...env, METRICS_TOKEN: asPrometheus } })
const planned = metered.get('/health/live')
const resetToken = await resetTokenOf(resetting.id)
const resettingAdmin = await newAdmin({ caller })
const adminResetToken = await resetTokenOf(resettingAdmin.id, 60, 'admin')
await slowDown()

const asUser = user.access_token
const asAdmin = superadmin.access_token
const login = { username: user.username, password: PASSWORD }
const change = { current_password: PASSWORD, new_password: 'another horse' }
const reset = { token: resetToken, new_password: 'another horse' }
const adminReset = { ...reset, token: adminResetToken }
const oldAccess = legacyToken(adopted.id, LEFT.access)
const oldRefresh = { refresh_token: legacyToken(adopted.id) }
const oldWaiting = { refresh_token: legacyToken(adopted.id, LEFT.refresh - 60) }
const oldReset = { ...reset, token: await legacyReset(adopted.id) }
const anybody = { email: `${freshName()}@example.com` }
const bootstrap = { 'X-Bootstrap-Token': String(env.ADMIN_BOOTSTRAP_TOKEN) }

const asBrowser = (Origin: string) => ({
  Origin,
  'X-Refresh-Token': 'cookie',
  Cookie: `__Host-refresh_users=${user.refresh_token}`,
})
const asFrontend = asBrowser('https://app.example.com')
const asStranger = asBrowser('https://evil.example.net')

const NONE: string[] = []
const ASKED = ['redis + postgres']
const WRITTEN = ['redis', 'postgres']
const PROVEN = ['redis + postgres', 'postgres']

type Call = {
  call: string
  /** What differs from a plain call. */
  but?: string
  body?: object
  token?: string
  headers?: Record<string, string>
  by?: Visitor
  /** The `{id}` of the path. */
  id?: string | number
  /** 200 by default. */
  status?: number
  steps: string[]
  /** Messages to the mail queue: after the response, except for forgot-password, which awaits its own. */
  messages?: number
}

// biome-ignore format: a table
const CALLS: Call[] = [
  { call: 'GET /', steps: NONE },
  { call: 'GET /health', steps: ASKED },
  { call: 'GET /health', but: 'shared', steps: NONE },
  { call: 'GET /health/live', steps: NONE },
  { call: 'GET /docs', steps: NONE },
  { call: 'GET /redoc', steps: NONE },
  { call: 'GET /openapi.json', steps: NONE },
  { call: 'GET /reset-password', steps: NONE },
  { call: 'GET /forgot-password', steps: NONE },
  { call: 'GET /.well-known/jwks.json', steps: NONE },
  { call: 'GET /metrics', by: metered, token: asPrometheus, steps: ASKED },
  { call: 'GET /metrics', but: 'shared', by: metered, token: asPrometheus, steps: NONE },
  { call: 'GET /metrics', but: 'wrong token', by: metered, token: asUser, status: 401, steps: NONE },
  { call: 'GET /nothing', status: 404, steps: NONE },
  { call: 'PUT /health', status: 405, steps: NONE },

  { call: 'POST /api/users/register', body: newcomer(), status: 201, steps: WRITTEN, messages: 1 },
  { call: 'POST /api/users/register', but: 'taken', body: newcomer(user.username), status: 409, steps: WRITTEN },
  { call: 'POST /api/users/register', but: 'rejected input', body: {}, status: 422, steps: NONE },
  { call: 'POST /api/users/login', body: login, steps: PROVEN },
  { call: 'POST /api/users/login', but: 'over IPv6', by: overIPv6, body: login, steps: PROVEN },
  { call: 'POST /api/users/login', but: 'wrong password', body: { ...login, password: '?' }, status: 401, steps: PROVEN },
  { call: 'POST /api/users/login', but: 'unknown', body: { ...anybody, password: '?' }, status: 401, steps: PROVEN },
  { call: 'POST /api/users/login', but: 'rejected input', body: {}, status: 422, steps: NONE },
  { call: 'POST /api/users/refresh', body: user, steps: WRITTEN },
  { call: 'POST /api/users/refresh', but: 'bad signature', body: { refresh_token: `${user.refresh_token}x` }, status: 401, steps: NONE },
  { call: 'POST /api/users/refresh', but: 'with the cookie', body: {}, headers: asFrontend, steps: WRITTEN },
  { call: 'POST /api/users/refresh', but: 'with the cookie, from another origin', body: {}, headers: asStranger, status: 403, steps: NONE },
  { call: 'POST /api/users/login', but: 'in cookie mode, from another origin', body: login, headers: asStranger, status: 403, steps: NONE },
  { call: 'POST /api/users/refresh', but: 'with an old token', by: legacy, body: oldRefresh, steps: WRITTEN },
  { call: 'POST /api/users/refresh', but: 'with an old token once more', by: legacy, body: oldRefresh, steps: ['redis', 'postgres', 'postgres'] },
  { call: 'POST /api/users/refresh', but: 'with an old token, off', body: oldRefresh, status: 401, steps: NONE },
  { call: 'POST /api/users/refresh', but: 'with an old access token', by: legacy, body: { refresh_token: oldAccess }, status: 401, steps: NONE },
  { call: 'POST /api/users/logout', but: 'with an old token', by: legacy, body: oldWaiting, status: 204, steps: ['redis', 'postgres', 'postgres'] },
  { call: 'POST /api/users/logout', but: 'with an old token, off', body: oldWaiting, status: 204, steps: NONE },
  { call: 'GET /api/users/me', but: 'with an old token', by: legacy, token: oldAccess, steps: ASKED },
  { call: 'GET /api/users/me', but: 'with an old token, off', token: oldAccess, status: 401, steps: NONE },
  { call: 'GET /api/users/me', but: 'with an old refresh token', by: legacy, token: oldWaiting.refresh_token, status: 401, steps: NONE },
  { call: 'GET /api/users/me', token: asUser, steps: ASKED },
  { call: 'GET /api/users/me', but: 'counted for metrics', by: metered, token: asUser, steps: ASKED },
  { call: 'GET /api/users/me', but: 'over IPv6', by: overIPv6, token: asUser, steps: ASKED },
  { call: 'GET /api/users/me', but: 'no token', status: 401, steps: NONE },
  { call: 'GET /api/users/me', but: 'bad signature', token: `${asUser.slice(0, -4)}AAAA`, status: 401, steps: NONE },
  { call: 'GET /api/users/me', but: 'an admin’s token', token: asAdmin, status: 403, steps: NONE },
  { call: 'GET /api/users/me', but: 'the last of the quota', by: exhausted, token: asUser, steps: ASKED },
  { call: 'GET /api/users/me', but: 'beyond the quota', by: exhausted, token: asUser, status: 429, steps: ASKED },
  { call: 'GET /api/users/me', but: 'known to be blocked', by: exhausted, token: asUser, status: 429, steps: NONE },
  { call: 'PUT /api/users/me', body: { full_name: 'Ada' }, token: asUser, steps: WRITTEN },
  { call: 'PUT /api/users/me', but: 'another email', body: anybody, token: asUser, steps: WRITTEN, messages: 1 },
  { call: 'PUT /api/users/me', but: 'rejected input', body: { email: 1 }, token: asUser, status: 422, steps: NONE },
  { call: 'GET /api/users/me/export', token: asUser, steps: WRITTEN },
  { call: 'GET /api/users/me/sessions', token: asUser, steps: ASKED },
  { call: 'DELETE /api/users/me/sessions', token: asUser, status: 204, steps: WRITTEN },
  { call: 'DELETE /api/users/me/sessions/{id}', id: crypto.randomUUID(), token: asUser, status: 404, steps: WRITTEN },
  { call: 'POST /api/users/change-password', body: change, token: asUser, steps: PROVEN, messages: 1 },
  { call: 'POST /api/users/change-password', but: 'wrong password', body: change, token: asUser, status: 401, steps: PROVEN },
  { call: 'POST /api/users/logout', body: user, status: 204, steps: WRITTEN },
  { call: 'POST /api/users/refresh', but: 'of a session that has ended', body: user, status: 401, steps: ['redis', 'postgres', 'postgres'] },
  { call: 'POST /api/users/logout', but: 'bad signature', body: { refresh_token: '?' }, status: 204, steps: NONE },
  { call: 'DELETE /api/users/me', body: leaving, token: leaving.access_token, status: 204, steps: PROVEN },

  { call: 'POST /api/admins/register', but: 'the first', by: first, body: newcomer(), headers: bootstrap, status: 201, steps: WRITTEN },
  { call: 'POST /api/admins/register', but: 'wrong bootstrap token', by: first, body: newcomer(), status: 401, steps: ['redis'] },
  { call: 'POST /api/admins/register', body: newcomer(), token: asAdmin, status: 201, steps: WRITTEN },
  { call: 'POST /api/admins/login', body: { username: superadmin.username, password: PASSWORD }, steps: PROVEN },
  { call: 'POST /api/admins/refresh', body: adminElsewhere, steps: WRITTEN },
  { call: 'POST /api/admins/logout', body: adminElsewhere, status: 204, steps: WRITTEN },
  { call: 'GET /api/admins/me', token: asAdmin, steps: ASKED },
  { call: 'GET /api/admins/me/sessions', token: asAdmin, steps: ASKED },
  { call: 'DELETE /api/admins/me/sessions', token: asAdmin, status: 204, steps: WRITTEN },
  { call: 'DELETE /api/admins/me/sessions/{id}', id: crypto.randomUUID(), token: asAdmin, status: 404, steps: WRITTEN },
  { call: 'POST /api/admins/change-password', body: change, token: asAdmin, steps: PROVEN, messages: 1 },
  { call: 'POST /api/admins/forgot-password', body: resettingAdmin, steps: ['redis'], messages: 1 },
  { call: 'POST /api/admins/forgot-password', but: 'unknown', body: anybody, steps: ['redis'], messages: 1 },
  { call: 'POST /api/admins/reset-password/check', body: adminReset, steps: ASKED },
  { call: 'POST /api/admins/reset-password/check', but: 'a user’s token', body: reset, status: 400, steps: NONE },
  { call: 'POST /api/admins/reset-password', body: adminReset, steps: PROVEN, messages: 1 },
  { call: 'POST /api/admins/reset-password', but: 'a user’s token', body: reset, status: 400, steps: NONE },
  { call: 'GET /api/admins/users', token: asAdmin, steps: ASKED },
  { call: 'GET /api/admins/users', but: 'a user’s token', token: asUser, status: 403, steps: NONE },
  { call: 'GET /api/admins/users/{id}', id: resetting.id, token: asAdmin, steps: ASKED },
  { call: 'PATCH /api/admins/users/{id}', id: resetting.id, body: { full_name: 'Ada' }, token: asAdmin, steps: WRITTEN },
  { call: 'DELETE /api/admins/users/{id}', id: user.id, token: asAdmin, status: 204, steps: WRITTEN },
  { call: 'DELETE /api/admins/users/{id}', but: 'erased', id: `${leaving.id}?erase=true`, token: asAdmin, status: 204, steps: WRITTEN },
  { call: 'POST /api/admins/users/{id}/restore', id: user.id, token: asAdmin, steps: WRITTEN },
  { call: 'DELETE /api/admins/users/{id}/sessions', id: user.id, token: asAdmin, status: 204, steps: WRITTEN },
  { call: 'GET /api/admins/audit', token: asAdmin, steps: ASKED },

  { call: 'POST /api/password/forgot-password', body: resetting, steps: ['redis'], messages: 1 },
  { call: 'POST /api/password/forgot-password', but: 'unknown', body: anybody, steps: ['redis'], messages: 1 },
  { call: 'POST /api/password/forgot-password', but: 'blocked', by: exhausted, body: anybody, status: 429, steps: NONE },
  { call: 'POST /api/password/reset-password/check', body: reset, steps: ASKED },
  { call: 'POST /api/password/reset-password/check', but: 'bad signature', body: { token: '?' }, status: 400, steps: NONE },
  { call: 'POST /api/password/reset-password/check', but: 'blocked', by: exhausted, body: reset, status: 429, steps: NONE },
  { call: 'POST /api/password/reset-password/check', but: 'an old link', by: legacy, body: oldReset, steps: ASKED },
  { call: 'POST /api/password/reset-password/check', but: 'an old link, off', body: oldReset, status: 400, steps: NONE },
  { call: 'POST /api/password/reset-password/check', but: 'of no form', by: legacy, body: { token: '?' }, status: 400, steps: NONE },
  { call: 'POST /api/password/reset-password', but: 'an old link', by: legacy, body: oldReset, steps: PROVEN, messages: 1 },
  { call: 'POST /api/password/reset-password', but: 'an old link, off', body: oldReset, status: 400, steps: NONE },
  { call: 'POST /api/password/reset-password', body: reset, steps: PROVEN, messages: 1 },
  { call: 'POST /api/password/reset-password', but: 'used', body: reset, status: 400, steps: ASKED },
  { call: 'POST /api/password/reset-password', but: 'bad signature', body: { ...reset, token: '?' }, status: 400, steps: NONE },
  { call: 'POST /api/password/test-email', body: { to_email: anybody.email }, token: asAdmin, steps: ['redis + postgres', 'resend'] },
]

const report: string[] = []

afterAll(async () => {
  console.log(['Steps on the wire:', ...report].join('\n'))
  await close()
})

const named = CALLS.map((each) => ({
  ...each,
  name: each.but ? `${each.call}, ${each.but}` : each.call,
}))

test.each(named)('$name waits for: $steps', async (expected) => {
  const { name, id, by = caller, token, headers, messages = 0 } = expected
  const [method = '', path = ''] = expected.call.replace('{id}', String(id)).split(' ')
  const options = { ...(token && { token }), ...(headers && { headers }) }
  const seen = await watch(() => by.call(method, path, expected.body, options))
  const waits = seen.steps.join(', ') || '-'
  const queue = seen.messages > 0 ? ', mail queue' : ''
  report.push(`${name.padEnd(56)} ${seen.steps.length}  ${waits}${queue}`)
  expect(seen.response.status).toBe(expected.status ?? 200)
  expect(seen).toMatchObject({ steps: expected.steps, messages })
  // The quota and a stricter rule, and those of the /48, are one request: Upstash charges and waits for each.
  expect(seen.requests.upstash).toBeLessThanOrEqual(1)
})

test('the metrics of many requests are one request to Redis, after their responses', async () => {
  const { requests } = await watch(() => {
    flushing.resolve()
    return planned
  })
  expect(requests).toEqual({ upstash: 1, neon: 0, resend: 0 })
})

test('every operation of the API has a budget', async () => {
  const { paths } = await openApi()
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const counted = new Set(CALLS.map(({ call }) => call))
  expect(documented.filter((call) => !counted.has(call))).toEqual([])
})
