/** The database fails between the statements of one request: what the first did is no half of the act. */
import { expect, test } from 'vitest'
import { mailsTo, newAdmin, newcomer, newUser, PASSWORD } from '../setup/accounts.ts'
import { type ApiResponse, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import type { Fault } from '../setup/lanes.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { changePassword, login, NEW_PASSWORD, refresh, resetPassword } from './calls.ts'
import {
  expectUnavailable,
  faulty,
  heldQueue,
  type NamedFault,
  responds,
  timed,
} from './faulty-world.ts'

type Begun = {
  act: (client: Visitor) => Promise<ApiResponse>
  /** What the act changes. Counted attempts are none of it: they are counted before the work. */
  state: () => Promise<unknown>
}

type Call = {
  name: string
  statements: number
  begin: () => Promise<Begun>
  /** The status once the database is back. */
  status: number
}

const stateOf = (id: number) =>
  sql(
    `select to_json(u) as account,
      (select json_agg(s order by s.id) from user_sessions s where s.account_id = u.id) as sessions,
      (select json_agg(n order by n.network) from user_networks n where n.account_id = u.id) as networks,
      (select count(*) from audit_events
        where (actor_kind, actor_id) = ('user', u.id) or (target_kind, target_id) = ('user', u.id)) as events,
      (select id from password_resets where user_id = u.id) as reset,
      (select count(*) from outbox where user_id = u.id) as emails
    from users u where u.id = $1`,
    [id],
  )

type User = Awaited<ReturnType<typeof newUser>>

const ofUser =
  (act: (user: User, client: Visitor) => Promise<ApiResponse>, prepare = async (_: User) => {}) =>
  async (): Promise<Begun> => {
    const user = await newUser()
    await prepare(user)
    return { act: (client) => act(user, client), state: () => stateOf(user.id) }
  }

async function beginReset(): Promise<Begun> {
  const { id } = await newUser()
  const token = await resetTokenOf(id)
  const act = (client: Visitor) => resetPassword(token, NEW_PASSWORD, { client })
  return { act, state: () => stateOf(id) }
}

/** The session is rotated twice, and then the first token presented. */
async function rotateTwice({ refresh_token }: User) {
  const { body } = await refresh(refresh_token)
  await refresh(body.refresh_token)
}

async function beginTestEmail(): Promise<Begun> {
  const { access_token: token } = await newAdmin()
  const { email } = newcomer()
  return {
    act: (client) => client.post('/api/password/test-email', { to_email: email }, { token }),
    state: async () => (await mailsTo(email, 0)).length,
  }
}

const CALLS: Call[] = [
  {
    ...{ name: 'login', statements: 2, status: 200 },
    begin: ofUser(({ username }, client) => login(username, PASSWORD, { client })),
  },
  {
    ...{ name: 'login with a wrong password', statements: 2, status: 401 },
    begin: ofUser(({ username }, client) => login(username, 'wrong', { client })),
  },
  {
    ...{ name: 'change-password', statements: 2, status: 200 },
    begin: ofUser(({ access_token }, client) =>
      changePassword(access_token, PASSWORD, NEW_PASSWORD, { client }),
    ),
  },
  {
    ...{ name: 'change-password with a weak new one', statements: 2, status: 422 },
    begin: ofUser(({ access_token }, client) =>
      changePassword(access_token, PASSWORD, 'password1', { client }),
    ),
  },
  { name: 'reset-password', statements: 2, status: 200, begin: beginReset },
  {
    ...{ name: 'DELETE me', statements: 2, status: 204 },
    begin: ofUser(({ access_token: token }, client) =>
      client.delete('/api/users/me', { password: PASSWORD }, { token }),
    ),
  },
  {
    ...{ name: 'refresh with a token that was used before', statements: 2, status: 401 },
    begin: ofUser(({ refresh_token }, client) => refresh(refresh_token, { client }), rotateTwice),
  },
  { name: 'test-email', statements: 1, status: 200, begin: beginTestEmail },
]

/** Calls with one fault from a statement on, each on a lane of its own. */
async function expectNothingDone({ name, begin, status }: Call, fault: Fault) {
  const { act, state } = await begin()
  const database = await faulty('neon')
  const client = visitor({ env: database.env({ MAIL_QUEUE: heldQueue().queue }) })
  const before = await state()
  const { result, took } = await database.during(fault, () => timed(() => act(client)))
  expect(result.status, `${name}: ${result.text}`).toBe(503)
  expectUnavailable(result)
  expect(took, name).toBeLessThan(5_000)
  expect(await state(), name).toEqual(before)

  expect((await act(client)).status, name).toBe(status)
  await database.close()
}

const FAULTS: NamedFault[] = [
  ['closes the connection', { kind: 'disconnect' }],
  ['responds with 500', responds(500, { message: 'Internal server error' })],
  ['hangs', { kind: 'hang' }],
]

/** That the second hangs is tested below. */
const FROM_STATEMENT = [1, 2].flatMap((statement) =>
  FAULTS.filter(([name]) => statement === 1 || name !== 'hangs').map(([name, fault]) => ({
    ...{ statement, name, fault },
  })),
)

test.each(FROM_STATEMENT)(
  'Fault matrix: the database $name at statement $statement of a call: 503 within 5 s, and nothing is done',
  async ({ statement, fault }) => {
    const late: Fault =
      statement === 1 ? fault : { kind: 'none', times: statement - 1, next: fault }
    const calls = CALLS.filter(({ statements }) => statements >= statement)
    await Promise.all(calls.map((call) => expectNothingDone(call, late)))
  },
)

/** One by one: waiting for a turn to hash is no time of the database's. */
test.each(CALLS.filter(({ statements }) => statements > 1))(
  'Fault matrix: the statements of $name share one time limit: if the first is slow and the second hangs, it is 503 within 5 s',
  async (call) => {
    const slow: Fault = { kind: 'slow', ms: 2_500, times: 1, next: { kind: 'hang' } }
    await expectNothingDone(call, slow)
  },
)
