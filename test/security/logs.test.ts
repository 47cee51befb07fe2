/** Security sheet 30: one JSON line per event, no secret in any of them, whatever breaks. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freshName, mailsTo, newAdmin } from '../setup/accounts.ts'
import { type Visitor, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { sql } from '../setup/database.ts'
import type { Fault, Target } from '../setup/lanes.ts'
import { expectClean, listen } from './captured-log.ts'
import { deliver, faulty, heldQueue } from './faulty-world.ts'

/** What nobody but its owner may read. Each run has its own, so that nothing else matches. */
const mark = crypto.randomUUID().slice(0, 8)
const CANARY = {
  name: `canary-name-${mark}`,
  email: `canary-${mark}@example.com`,
  password: `canary pass ${mark}`,
  newPassword: `canary next ${mark}`,
  address: '203.0.113.77',
  agent: `CanaryBrowser/${mark}`,
}

let secrets: string[]
let admin: Awaited<ReturnType<typeof newAdmin>>
let lanes: Record<Target, Awaited<ReturnType<typeof faulty>>>

beforeAll(async () => {
  const [neon, upstash, resend] = [
    await faulty('neon'),
    await faulty('upstash'),
    await faulty('resend'),
  ]
  lanes = { neon, upstash, resend }
  admin = await newAdmin({ superadmin: true })
})

let output: ReturnType<typeof listen>

beforeEach(() => {
  secrets = [...Object.values(CANARY), admin.access_token, admin.refresh_token]
  output = listen()
})

const bindings = () => {
  const { queue, held } = heldQueue()
  const env = lanes.neon.env({
    UPSTASH_REDIS_REST_URL: lanes.upstash.url,
    REDIS_TIMEOUT_MS: 2000,
    RESEND_BASE_URL: lanes.resend.url,
    MAIL_QUEUE: queue,
  })
  return { env, held }
}

const headers = { 'User-Agent': CANARY.agent }

/** A whole life of an account: all that happens to it, good and bad. */
async function live(caller: Visitor) {
  const { name: username, email, password, newPassword } = CANARY
  const tell = <Body>(answer: { body: Body }) => answer.body
  const login = (password: string, username: string = CANARY.name) =>
    caller.post('/api/users/login', { username, password }, { headers })
  await caller.post('/api/users/register', { username, email, password, full_name: username })
  const { access_token: token, refresh_token } = tell(await login(password))
  secrets.push(token, refresh_token)
  await login(newPassword)
  await login(password, 'canary-nobody')
  const change = (current_password: string, new_password: string) =>
    caller.post('/api/users/change-password', { current_password, new_password }, { token })
  await change(newPassword, password)
  await change(password, newPassword)
  const moved = `moved-${email}`
  await caller.put('/api/users/me', { email: moved }, { token })
  let newest = refresh_token
  for (let i = 0; i < 2; i++) {
    newest = tell(await caller.post('/api/users/refresh', { refresh_token: newest })).refresh_token
    secrets.push(newest)
  }
  await caller.post('/api/users/refresh', { refresh_token })
  return moved
}

describe('a whole life of an account', () => {
  it('tells every authentication event with who, what, outcome, reason and request id, and no secret', async () => {
    const { env, held } = bindings()
    const caller = visitor({ env, address: CANARY.address })
    const email = await live(caller)
    const [account] = await sql<{ id: number; hashed_password: string }>(
      'select id, hashed_password from users where username = $1',
      [CANARY.name],
    )
    const id = account?.id ?? 0
    secrets.push(account?.hashed_password ?? '')

    await caller.post('/api/password/forgot-password', { email })
    await deliver(held, env)
    const mails = await mailsTo(email, 2)
    const link = mails.map(({ text }) => /https:\S+token=\S+/.exec(text)?.[0]).find(Boolean) ?? ''
    const token = new URL(link).searchParams.get('token') ?? ''
    secrets.push(link, token)
    const new_password = `${CANARY.password} 3`
    await caller.post('/api/password/reset-password', { token, new_password })
    await caller.post('/api/password/reset-password', { token, new_password })
    const byAdmin = { token: admin.access_token }
    await caller.patch(`/api/admins/users/${id}`, { is_superuser: true }, byAdmin)
    await caller.patch(`/api/admins/users/${id}`, { is_active: false }, byAdmin)
    const login = { username: CANARY.name, password: new_password }
    await caller.post('/api/users/login', login)
    await caller.patch(`/api/admins/users/${id}`, { is_active: true }, byAdmin)
    const mine = (await caller.post('/api/users/login', login)).body.access_token
    secrets.push(mine)
    await caller.delete('/api/users/me', { password: new_password }, { token: mine })

    const events = output
      .lines()
      .filter(({ event }) => !/^(request|mail_sent)$/.test(event))
      .map(({ time, request_id, level, ...line }) => {
        expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
        return { level, ...line }
      })
    const success = { level: 'info', outcome: 'success', kind: 'user', id }
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
      { ...success, event: 'user_updated', by: admin.id },
      { ...success, event: 'user_updated', by: admin.id },
      { ...failure, event: 'login', reason: 'account_not_active' },
      { ...success, event: 'user_updated', by: admin.id },
      { ...success, event: 'login' },
      { ...success, event: 'account_deleted' },
    ])
    expectClean(output, secrets)
  })
})

/** Every route, with canaries in its path, its query, its headers and its body. */
async function everyRoute(caller: Visitor) {
  const { name, email, password, newPassword, agent } = CANARY
  const body = {
    ...{ username: name, email, password, full_name: name, to_email: email },
    ...{ current_password: password, new_password: newPassword },
    ...{ token: `${name}.${name}`, refresh_token: `${name}.0.${name}` },
    [name]: password,
  }
  const query = `?search=${name}&cursor=${name}&token=${name}&${name}=${password}`
  const { paths } = await openApi()
  const calls = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).flatMap((method) => {
      const target = path.replace(/\{\w+\}/g, method === 'get' ? '1' : encodeURIComponent(name))
      const given = method === 'get' ? undefined : body
      return [admin.access_token, `${name}.${name}.${name}`].map((token) =>
        caller.call(method.toUpperCase(), target + query, given, {
          token,
          headers: { 'User-Agent': agent, 'X-Request-ID': name, Cookie: name, Referer: email },
        }),
      )
    }),
  )
  await Promise.all(calls)
  await caller.get(`/${name}/${email}`)
}

const FAULTS: [Target, string, Fault][] = [
  ['neon', 'is well', { kind: 'none' }],
  ['neon', 'refuses', { kind: 'refuse' }],
  ['neon', 'answers garbage', { kind: 'garbage' }],
  ['neon', 'answers half', { kind: 'cut' }],
  [
    'neon',
    'repeats what it was sent',
    {
      kind: 'status',
      status: 400,
      body: JSON.stringify({ message: `key (email)=(${CANARY.email})`, code: '22000' }),
    },
  ],
  ['upstash', 'refuses', { kind: 'refuse' }],
  ['upstash', 'hangs', { kind: 'hang' }],
  ['upstash', 'answers garbage', { kind: 'garbage' }],
  [
    'upstash',
    'repeats what it was sent',
    {
      kind: 'status',
      status: 400,
      body: JSON.stringify({ error: `ERR limit:login:${CANARY.address}` }),
    },
  ],
  ['resend', 'refuses', { kind: 'refuse' }],
  [
    'resend',
    'repeats what it was sent',
    {
      kind: 'status',
      status: 422,
      body: JSON.stringify({
        name: 'validation_error',
        message: `Invalid to: ${CANARY.email}`,
        statusCode: 422,
      }),
    },
  ],
]

describe.each(FAULTS)('%s %s', (target, _, fault) => {
  it('no route, no mail and no fault puts a secret into the log', async () => {
    const { env, held } = bindings()
    const email = `${freshName()}-${CANARY.email}`
    await sql('insert into users (username, email) values ($1, $2)', [freshName(), email])
    secrets.push(email)
    await lanes[target].during(fault, async () => {
      await everyRoute(visitor({ env, address: CANARY.address }))
      await visitor({ env }).post('/api/password/forgot-password', { email })
      await deliver(held, env)
    })
    expect(output.lines().length).toBeGreaterThan(50)
    expectClean(output, secrets)
  })
})

describe('CR and LF in what people send', () => {
  it('cannot make a second line', async () => {
    const caller = visitor()
    const forged = '\r\n{"time":"2026-01-01T00:00:00Z","level":"info","event":"login","id":1}'
    await caller.post('/api/users/login', { username: forged, password: forged })
    await caller.post('/api/users/register', {
      ...{ username: `a${forged}`, email: `a${forged}@example.com` },
      ...{ password: forged, full_name: forged },
    })
    await caller.get(`/api/users/${encodeURIComponent(forged)}?x=${encodeURIComponent(forged)}`)
    await caller.get('/health', { headers: { 'X-Request-ID': 'a {"level":"info"}' } })
    expect(output.texts()).toHaveLength(5)
    expectClean(output, secrets)
    expect(output.lines().filter(({ event }) => event === 'login')).toMatchObject([{ id: null }])
  })
})
