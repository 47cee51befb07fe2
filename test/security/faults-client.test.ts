import { SELF } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { mailsTo, newcomer, newUser } from '../setup/accounts.ts'
import { freshAddress, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { getMe } from './calls.ts'
import { listen } from './captured-log.ts'

type Ending = (controller: ReadableStreamDefaultController<Uint8Array>) => void

/** The first half of a body; then the connection does this. */
const halfOf = (body: object, end: Ending) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      controller.enqueue(bytes.slice(0, bytes.length / 2))
      end(controller)
    },
  })

test.each<[string, Ending]>([
  ['breaks', (controller) => controller.error(new Error('Network connection lost.'))],
  ['ends', (controller) => controller.close()],
])(
  'Fault matrix: if the body %s halfway, POST register and PUT me are 422, change nothing and log no error',
  async (_, end) => {
    const user = await newUser()
    const fields = newcomer()
    const output = listen()
    const client = visitor({ token: user.access_token })
    const headers = { 'Content-Type': 'application/json' }
    const sendHalf = (method: string, path: string, body: object) =>
      client.call(method, path, undefined, { headers, raw: halfOf(body, end) })
    const responses = [
      await sendHalf('POST', '/api/users/register', fields),
      await sendHalf('PUT', '/api/users/me', { full_name: 'Half of a name' }),
    ]
    expect(responses.map(({ status }) => status)).toEqual([422, 422])
    expect(output.texts().filter((line) => line.includes('"error"'))).toEqual([])
    const rows = await sql('select id, full_name from users where username = $1 or id = $2', [
      fields.username,
      user.id,
    ])
    expect(rows).toEqual([{ id: user.id, full_name: null }])
  },
)

const leave = (milliseconds: number, method: string, path: string, body: object, token = '') =>
  SELF.fetch(`https://accounts.example.com${path}`, {
    method,
    headers: {
      'Content-Type': 'application/json',
      'CF-Connecting-IP': freshAddress(),
      Authorization: `Bearer ${token}`,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(milliseconds),
  }).catch(() => 'disconnected')

/** Before, during and after each step of a registration. */
const DISCONNECTS_MS = [1, 5, 20, 60, 90, 110, 130]

test('Fault matrix: if the client disconnects, POST register writes the user, the audit event and the email, or none', async () => {
  const attempts = DISCONNECTS_MS.map((milliseconds) => ({ milliseconds, fields: newcomer() }))
  await Promise.all(
    attempts.map(({ milliseconds, fields }) =>
      leave(milliseconds, 'POST', '/api/users/register', fields),
    ),
  )
  for (const { fields } of attempts) {
    const written = await sql('select id from users where username = $1', [fields.username])
    const again = await visitor().post('/api/users/register', fields)
    // On a busy machine what the client left may be written between the two.
    expect(written.length === 1 ? [409] : [201, 409]).toContain(again.status)
    const trail = await sql(
      `select action from audit_events join users u on u.id = actor_id
       where u.username = $1 and actor_kind = 'user'`,
      [fields.username],
    )
    expect(trail).toEqual([{ action: 'register' }])
    const pending = await sql('select id from outbox where recipient = $1', [fields.email])
    expect(pending.length > 0 ? pending : await mailsTo(fields.email)).toHaveLength(1)
  }
})

test('Fault matrix: if the client disconnects while PUT me waits for a lock, all fields change or none', async () => {
  const { id, username, email, access_token: token } = await newUser()
  const lock = sql(
    'with locked as (select id from users where id = $1 for update) select pg_sleep(0.6), id from locked',
    [id],
  )
  await scheduler.wait(50)
  const change = { username: `${username}-x`, email: `x-${email}`, full_name: 'Ada' }
  expect(await leave(200, 'PUT', '/api/users/me', change, token)).toBe('disconnected')
  await lock
  const { body } = await getMe(token)
  expect([change, { username, email, full_name: null }]).toContainEqual({
    username: body.username,
    email: body.email,
    full_name: body.full_name,
  })
  const again = await visitor({ token }).put('/api/users/me', change)
  expect(again).toMatchObject({ status: 200, body: change })
})
