import { beforeAll, describe, expect, test } from 'vitest'
import { freshName, logIn, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectInvalid } from '../setup/shapes.ts'
import { auditLines } from './attack.ts'

const NEW_PASSWORD = 'another long password'

let superadmin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  superadmin = await newAdmin({ superadmin: true })
})

const linesOf = (requestId: string | null) =>
  sql('select 1 from audit_events where request_id = $1', [requestId])

describe('no act without its line, and no line without its act', () => {
  test('a statement that fails leaves neither: taken names, a foreign session, another’s rights', async () => {
    const [user, other, admin] = [await registerUser(), await registerUser(), await newAdmin()]
    const { access_token: token } = user
    const answers = [
      await user.caller.put(
        '/api/users/me',
        { username: other.username, full_name: 'X' },
        { token },
      ),
      await user.caller.put('/api/users/me', { email: other.email }, { token }),
      await visitor().post('/api/users/register', {
        username: user.username,
        email: `${freshName()}@example.com`,
        password: PASSWORD,
      }),
      await user.caller.delete(`/api/users/me/sessions/${crypto.randomUUID()}`, undefined, {
        token,
      }),
      await visitor().patch(
        `/api/admins/users/${user.id}`,
        { is_superuser: true },
        { token: admin.access_token },
      ),
      await visitor().delete('/api/admins/users/2147483647', undefined, {
        token: admin.access_token,
      }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 404, 403, 404])
    for (const { headers } of answers) {
      expect(await linesOf(headers.get('X-Request-ID'))).toEqual([])
    }
    const [row] = await sql('select username, full_name from users where id = $1', [user.id])
    expect(row).toEqual({ username: user.username, full_name: null })
  })

  test('a trail that refuses its line keeps the act from happening', async () => {
    const user = await registerUser()
    const caller = visitor()
    const trigger = `refuse_${crypto.randomUUID().replaceAll('-', '')}`
    const requestId = crypto.randomUUID()
    await sql(`create function ${trigger}() returns trigger language plpgsql as $$
      begin
        if new.request_id = '${requestId}' then raise exception 'no line'; end if;
        return new;
      end $$`)
    await sql(
      `create trigger ${trigger} before insert on audit_events for each row execute function ${trigger}()`,
    )
    try {
      const headers = { 'X-Request-ID': requestId }
      const { access_token: token, refresh_token } = user
      const acts = [
        await caller.put('/api/users/me', { full_name: 'X' }, { token, headers }),
        await caller.post('/api/users/logout', { refresh_token }, { headers }),
        await caller.post(
          '/api/users/change-password',
          { current_password: PASSWORD, new_password: NEW_PASSWORD },
          { token, headers },
        ),
        await caller.delete(`/api/admins/users/${user.id}`, undefined, {
          token: superadmin.access_token,
          headers,
        }),
      ]
      for (const answer of acts) expect(answer.status).toBe(500)
    } finally {
      await sql(`drop trigger ${trigger} on audit_events`)
      await sql(`drop function ${trigger}`)
    }
    const [row] = await sql('select full_name, deleted_at from users where id = $1', [user.id])
    expect(row).toEqual({ full_name: null, deleted_at: null })
    expect((await visitor().get('/api/users/me', { token: user.access_token })).status).toBe(200)
    await logIn(visitor(), user.username)
    expect(await linesOf(requestId)).toEqual([])
  })
})

describe('append-only', () => {
  test('ASVS 16.4.2: the database refuses to change or delete a line, and to empty the table', async () => {
    const user = await registerUser()
    const before = await auditLines('user', user.id)
    expect(before.length).toBeGreaterThan(0)
    for (const statement of [
      `update audit_events set actor_id = 1 where actor_id = ${user.id}`,
      `update audit_events set at = now() - interval '10 years' where actor_id = ${user.id}`,
      `delete from audit_events where actor_id = ${user.id}`,
      'truncate audit_events',
    ]) {
      await expect(sql(statement), statement).rejects.toThrow('append-only')
    }
    expect(await auditLines('user', user.id)).toEqual(before)
  })

  test('ASVS 16.4.2: lines older than thirty days may go, and only go', async () => {
    const requestId = crypto.randomUUID()
    await sql(
      `insert into audit_events (at, action, outcome, request_id)
       values (now() - interval '31 days', 'login', 'success', $1)`,
      [requestId],
    )
    const change = sql('update audit_events set reason = null where request_id = $1', [requestId])
    await expect(change).rejects.toThrow('append-only')
    await sql('delete from audit_events where request_id = $1', [requestId])
    expect(await linesOf(requestId)).toEqual([])
  })
})

describe('GET /api/admins/audit', () => {
  const audit = (query: string) =>
    superadmin.caller.get(`/api/admins/audit?${query}`, { token: superadmin.access_token })

  test('keyset paging answers every line once, newest first, while new ones come in', async () => {
    const user = await registerUser()
    const filter = `target_kind=user&target_id=${user.id}`
    for (let i = 0; i < 4; i++) await logIn(visitor(), user.username)
    const whole = (await audit(filter)).body.items
    expect(whole).toHaveLength(6)
    const seen: unknown[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const at: string = cursor ? `&cursor=${cursor}` : ''
      const { status, body } = await audit(`${filter}&page_size=2${at}`)
      expect(status).toBe(200)
      seen.push(...body.items)
      cursor = body.next_cursor
      if (seen.length < 6) await logIn(visitor(), user.username)
    }
    expect(seen).toEqual(whole)
  })

  test('filters narrow, none widens: an admin below superadmin reads nothing by any of them', async () => {
    const [user, admin] = [await registerUser(), await newAdmin()]
    await visitor().post('/api/users/login', { username: user.username, password: 'wrong pass' })
    const who = `target_kind=user&target_id=${user.id}`
    const actions = async (query: string) =>
      (await audit(`${who}&${query}`)).body.items.map(({ action }: { action: string }) => action)
    expect(await actions('outcome=failure')).toEqual(['login'])
    expect(await actions('action=register')).toEqual(['register'])
    expect(await actions('actor_kind=admin')).toEqual([])
    const before = new Date(Date.now() - 3_600_000).toISOString()
    expect(await actions(`until=${before}`)).toEqual([])
    expect(await actions(`since=${before}`)).toHaveLength(3)
    for (const query of ['', who, 'outcome=failure', `actor_kind=admin&actor_id=${admin.id}`]) {
      const refused = await visitor().get(`/api/admins/audit?${query}`, {
        token: admin.access_token,
      })
      expectError(refused, 403, 'AuthorizationError')
      expect(refused.body.items).toBeUndefined()
    }
  })

  test('a forged cursor is 422', async () => {
    const forged = ['x', 'e30', 'bnVsbA', '!!!', btoa('{"before":-1}'), btoa('{"before":1.5}')]
    for (const cursor of forged.map((text) => text.replaceAll('=', ''))) {
      const answer = await audit(`cursor=${encodeURIComponent(cursor)}`)
      expectError(answer, 422, 'ValidationError')
      expect(answer.body.details.errors[0].field).toMatch(/^cursor/)
    }
    expectInvalid(await audit('actor_id=2147483648'), 'actor_id')
  })

  test('the trail holds no address, email, name or token', async () => {
    const user = await registerUser(visitor({ address: '203.0.113.199' }))
    const text = JSON.stringify((await audit(`target_kind=user&target_id=${user.id}`)).body)
    expect(text).toContain('203.0.113.0/24')
    for (const secret of ['203.0.113.199', user.email, user.username, user.refresh_token]) {
      expect(text).not.toContain(secret)
    }
  })
})

test('AUDIT_RETENTION_DAYS below thirty starts nothing', async () => {
  const env = environment({ AUDIT_RETENTION_DAYS: 29 })
  expect((await visitor({ env }).get('/')).status).toBe(503)
})
