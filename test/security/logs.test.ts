import { beforeEach, expect, test } from 'vitest'
import { mailsTo, newAdmin, newcomer } from '../setup/accounts.ts'
import { type Visitor, visitor } from '../setup/api.ts'
import { openApiRoutes } from '../setup/conformance.ts'
import { sql } from '../setup/database.ts'
import type { Fault, Target } from '../setup/lanes.ts'
import { changePassword, forgotPassword, login, refresh } from './calls.ts'
import { expectClean, listen } from './captured-log.ts'
import { deliver, faultyWorld, heldQueue, mailOnlyUser, responds } from './faulty-world.ts'

/** Secrets. Random in each run, so that nothing else matches. */
const mark = crypto.randomUUID().slice(0, 8)
const CANARY = {
  name: `canary-name-${mark}`,
  email: `canary-${mark}@example.com`,
  password: `canary pass ${mark}`,
  newPassword: `canary next ${mark}`,
  address: '203.0.113.77',
  agent: `CanaryBrowser/${mark}`,
}

const admin = await newAdmin({ superadmin: true })
const world = await faultyWorld()

let output: ReturnType<typeof listen>
let secrets: string[]

beforeEach(() => {
  output = listen()
  secrets = [...Object.values(CANARY), admin.access_token, admin.refresh_token]
})

function bindings() {
  const { queue, held } = heldQueue()
  return { held, env: world.env({ REDIS_TIMEOUT_MS: 2000, MAIL_QUEUE: queue }) }
}

/** Registers, logs in, refreshes and changes an account, with errors in between. Returns its email. */
async function useAccount(client: Visitor) {
  const { name: username, email, password, newPassword } = CANARY
  const headers = { 'User-Agent': CANARY.agent }
  const logInWith = (password: string, username: string = CANARY.name) =>
    client.post('/api/users/login', { username, password }, { headers })
  await client.post('/api/users/register', { username, email, password, full_name: username })
  const { access_token: token, refresh_token } = (await logInWith(password)).body
  secrets.push(token, refresh_token)
  await logInWith(newPassword)
  await logInWith(password, 'canary-nobody')
  await changePassword(token, newPassword, password, { client })
  await changePassword(token, password, newPassword, { client })
  const moved = `moved-${email}`
  await client.put('/api/users/me', { email: moved }, { token })
  let newest = refresh_token
  for (let i = 0; i < 2; i++) {
    newest = (await refresh(newest, { client })).body.refresh_token
    secrets.push(newest)
  }
  await refresh(refresh_token, { client })
  return moved
}

test('30: every authentication event is logged with account, outcome, reason and request id, without a secret', async () => {
  const { env, held } = bindings()
  const client = visitor({ env, address: CANARY.address })
  const email = await useAccount(client)
  const [account] = await sql<{ id: number; hashed_password: string }>(
    'select id, hashed_password from users where username = $1',
    [CANARY.name],
  )
  const id = account?.id ?? 0
  secrets.push(account?.hashed_password ?? '')

  await forgotPassword(email, { client })
  await deliver(held, env)
  const mails = await mailsTo(email, 2)
  const link = mails.map(({ text }) => /https:\S+token=\S+/.exec(text)?.[0]).find(Boolean) ?? ''
  const token = new URL(link).searchParams.get('token') ?? ''
  secrets.push(link, token)
  const password = `${CANARY.password} 3`
  const reset = { token, new_password: password }
  await client.post('/api/password/reset-password/check', { token })
  await client.post('/api/password/reset-password', reset)
  await client.post('/api/password/reset-password', reset)
  const patch = (body: object) =>
    client.patch(`/api/admins/users/${id}`, body, { token: admin.access_token })
  await patch({ is_superuser: true })
  await patch({ full_name: `${CANARY.name} II` })
  await patch({})
  await patch({ full_name: null, is_superuser: false })
  await patch({ is_active: false })
  await login(CANARY.name, password, { client })
  await patch({ is_active: true })
  const mine = (await login(CANARY.name, password, { client })).body.access_token
  secrets.push(mine)
  await client.delete('/api/users/me', { password }, { token: mine })

  const events = output
    .lines()
    .filter(({ event }) => !/^(request|mail_sent)$/.test(event))
    .map(({ time, request_id, level, ...line }) => {
      expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
      return { level, ...line }
    })
  const success = { level: 'info', outcome: 'success', kind: 'user', id }
  const updated = { ...success, event: 'user_updated', by: admin.id }
  const failure = { level: 'warn', outcome: 'failure', kind: 'user', id }
  expect(events).toEqual([
    { ...success, event: 'register' },
    { ...success, event: 'login' },
    { ...failure, event: 'login', reason: 'wrong_password' },
    { ...failure, event: 'login', reason: 'unknown_account', id: null },
    { ...failure, event: 'password_change', reason: 'wrong_password' },
    { ...success, event: 'password_change' },
    { ...success, event: 'email_change' },
    { level: 'warn', event: 'refresh_token_reuse', kind: 'user', id },
    { ...success, event: 'password_reset' },
    { ...updated, changed: 'is_superuser:false>true' },
    { ...updated, changed: 'full_name' },
    { ...updated, changed: 'full_name is_superuser:true>false' },
    { ...updated, changed: 'is_active:true>false' },
    { ...failure, event: 'login', reason: 'account_not_active' },
    { ...updated, changed: 'is_active:false>true' },
    { ...success, event: 'login' },
    { ...success, event: 'account_deleted' },
  ])
  expectClean(output, secrets)
})

test('30: registering a superadmin is logged as such, and the admin who did it', async () => {
  const register = async (is_superadmin: boolean) =>
    (
      await visitor({ token: admin.access_token }).post('/api/admins/register', {
        ...newcomer(),
        is_superadmin,
      })
    ).body.id
  const ids = [await register(true), await register(false)]
  const success = { event: 'register', outcome: 'success', kind: 'admin', by: admin.id }
  expect(output.lines().filter(({ event }) => event === 'register')).toMatchObject([
    { ...success, id: ids[0], is_superadmin: true },
    { ...success, id: ids[1], is_superadmin: false },
  ])
})

/** Calls every route, with canaries in path, query, headers and body. */
async function callEveryRoute(client: Visitor) {
  const { name, email, password, newPassword, agent } = CANARY
  const body = {
    ...{ username: name, email, password, full_name: name, to_email: email },
    ...{ current_password: password, new_password: newPassword },
    ...{ token: `${name}.${name}`, refresh_token: `${name}.0.${name}` },
    [name]: password,
  }
  const query = `?search=${name}&cursor=${name}&token=${name}&${name}=${password}`
  const headers = { 'User-Agent': agent, 'X-Request-ID': name, Cookie: name, Referer: email }
  const calls = (await openApiRoutes()).flatMap((route) => {
    const [method = '', path = ''] = route.split(' ')
    const isGet = method === 'get'
    const target = path.replace(/\{\w+\}/g, isGet ? '1' : encodeURIComponent(name)) + query
    return [admin.access_token, `${name}.${name}.${name}`].map((token) =>
      client.call(method.toUpperCase(), target, isGet ? undefined : body, { token, headers }),
    )
  })
  await Promise.all(calls)
  await client.get(`/${name}/${email}`)
}

const INVALID = {
  name: 'validation_error',
  message: `Invalid to: ${CANARY.email}`,
  statusCode: 422,
}

test.each<[target: Target, what: string, fault: Fault]>([
  ['neon', 'works', { kind: 'none' }],
  ['neon', 'closes connections', { kind: 'disconnect' }],
  ['neon', 'responds with garbage', { kind: 'garbage' }],
  ['neon', 'sends half of each response', { kind: 'cut' }],
  [
    'neon',
    'repeats a secret',
    responds(400, { message: `key (email)=(${CANARY.email})`, code: '22000' }),
  ],
  ['upstash', 'closes connections', { kind: 'disconnect' }],
  ['upstash', 'hangs', { kind: 'hang' }],
  ['upstash', 'responds with garbage', { kind: 'garbage' }],
  ['upstash', 'repeats a secret', responds(400, { error: `ERR limit:login:${CANARY.address}` })],
  ['resend', 'closes connections', { kind: 'disconnect' }],
  ['resend', 'repeats a secret', responds(422, INVALID)],
])(
  '30: while %s %s, no route and no email writes a secret to the log',
  async (target, _, fault) => {
    const { env, held } = bindings()
    const email = await mailOnlyUser(`${newcomer().username}-${CANARY.email}`)
    secrets.push(email)
    await world.lanes[target].during(fault, async () => {
      await callEveryRoute(visitor({ env, address: CANARY.address }))
      await forgotPassword(email, { client: visitor({ env }) })
      await deliver(held, env)
    })
    expect(output.lines().length).toBeGreaterThan(50)
    expectClean(output, secrets)
  },
)

test('30: CR and LF in a request do not start another line of the log', async () => {
  const client = visitor()
  const forged = '\r\n{"time":"2026-01-01T00:00:00Z","level":"info","event":"login","id":1}'
  await login(forged, forged, { client })
  await client.post('/api/users/register', {
    ...{ username: `a${forged}`, email: `a${forged}@example.com` },
    ...{ password: forged, full_name: forged },
  })
  await client.get(`/api/users/${encodeURIComponent(forged)}?x=${encodeURIComponent(forged)}`)
  await client.get('/health', { headers: { 'X-Request-ID': 'a {"level":"info"}' } })
  expect(output.texts()).toHaveLength(5)
  expectClean(output, secrets)
  expect(output.lines().filter(({ event }) => event === 'login')).toMatchObject([{ id: null }])
})
