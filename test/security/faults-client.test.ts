/** Security sheet, fault matrix: the client goes away in mid-request. */
import { SELF } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { freshName, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, freshAddress, send, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'

type Ending = (controller: ReadableStreamDefaultController<Uint8Array>) => void

const ENDINGS: [string, Ending][] = [
  ['breaks', (controller) => controller.error(new Error('Network connection lost.'))],
  ['ends', (controller) => controller.close()],
]

/** A body of which half comes, and then the connection does this. */
const halfOf = (body: object, end: Ending) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      controller.enqueue(bytes.slice(0, bytes.length / 2))
      end(controller)
    },
  })

describe.each(ENDINGS)('the request %s in mid-body', (_, end) => {
  it('POST register and PUT me change nothing, and the log shows no failure of ours', async () => {
    const user = await newUser()
    const name = freshName()
    const lines = vi.spyOn(console, 'log')
    const request = (method: string, path: string, body: object) =>
      send(
        new Request(`https://accounts.example.com${path}`, {
          method,
          headers: {
            'CF-Connecting-IP': freshAddress(),
            'Content-Type': 'application/json',
            Authorization: `Bearer ${user.access_token}`,
          },
          body: halfOf(body, end),
        }),
        environment(),
      )
    const newcomer = { username: name, email: `${name}@example.com`, password: PASSWORD }
    const answers = [
      await request('POST', '/api/users/register', newcomer),
      await request('PUT', '/api/users/me', { full_name: 'Half of a name' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([422, 422])
    expect(lines.mock.calls.map(String).filter((line) => line.includes('"error"'))).toEqual([])
    expect(await sql('select from users where username = $1', [name])).toEqual([])
    expect(await sql('select full_name from users where id = $1', [user.id])).toEqual([
      { full_name: null },
    ])
  })
})

/** Milliseconds after which clients go: before, in and after each step of a registration. */
const LEAVES = [1, 5, 20, 60, 90, 110, 130]

describe('the client is gone before the answer', () => {
  it('POST register: all of it is in the database (user, trail, welcome mail) or nothing', async () => {
    const names = LEAVES.map(() => freshName())
    await Promise.all(
      LEAVES.map((milliseconds, index) =>
        SELF.fetch('https://accounts.example.com/api/users/register', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
          body: JSON.stringify({
            username: names[index],
            email: `${names[index]}@example.com`,
            password: PASSWORD,
          }),
          signal: AbortSignal.timeout(milliseconds),
        }).catch(() => undefined),
      ),
    )
    // Whoever got through is 409 now, whoever did not is 201: nobody is in between.
    for (const name of names) {
      const email = `${name}@example.com`
      const before = await sql('select id from users where username = $1', [name])
      const again = await visitor().post('/api/users/register', {
        username: name,
        email,
        password: PASSWORD,
      })
      expect(again.status).toBe(before.length === 1 ? 409 : 201)
      const trail = await sql(
        `select action from audit_events join users u on u.id = actor_id
        where u.username = $1 and actor_kind = 'user'`,
        [name],
      )
      expect(trail).toEqual([{ action: 'register' }])
    }
  })

  it('PUT me waits for a row that is locked: what was sent is there as a whole, or not at all', async () => {
    const user = await newUser()
    const lock = sql(
      'with locked as (select id from users where id = $1 for update) select pg_sleep(0.6), id from locked',
      [user.id],
    )
    await scheduler.wait(50)
    const change = { username: `${user.username}-x`, email: `x-${user.email}`, full_name: 'Ada' }
    const left = await SELF.fetch('https://accounts.example.com/api/users/me', {
      method: 'PUT',
      headers: {
        'Content-Type': 'application/json',
        'CF-Connecting-IP': freshAddress(),
        Authorization: `Bearer ${user.access_token}`,
      },
      body: JSON.stringify(change),
      signal: AbortSignal.timeout(200),
    }).catch(() => 'gone')
    expect(left).toBe('gone')
    await lock
    const mine = { token: user.access_token }
    const { body } = await visitor().get('/api/users/me', mine)
    const { username, email } = user
    expect([change, { username, email, full_name: null }]).toContainEqual({
      username: body.username,
      email: body.email,
      full_name: body.full_name,
    })
    const again = await visitor().put('/api/users/me', change, mine)
    expect(again.status).toBe(200)
    expect(again.body).toMatchObject(change)
  })
})
