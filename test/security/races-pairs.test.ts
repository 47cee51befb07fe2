/**
 * Every pair of acts on one account, each 25 times at once: none fails, and the end is one that some
 * order of them explains. They run as statements: one isolate hashes one password at a time, so that
 * its requests hardly meet in the database; those of many isolates do.
 */
import { neonConfig } from '@neondatabase/serverless'
import { afterAll, test } from 'vitest'
import { environment } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { ACTS, type Account, type Act, runAct } from './account-acts.ts'
import { expectExplained, type Start, type State, startsUsable } from './account-ends.ts'
import { atOnce, resourcesOf } from './attack.ts'

/** Both acts together, so that each meets itself as often. */
const CROWD = 50

/** Seconds for which another transaction has the account, so that many wait for it at once. */
const HELD_SECONDS = 0.04

// Without time limits: each is a timer, and workerd fires few timers while statements keep it busy.
const { fetchFunction } = neonConfig
neonConfig.fetchFunction = (
  url: string,
  { endpoint, idempotent, budget, ...init }: RequestInit & Record<string, string | undefined>,
) => fetch(endpoint ?? url, init)
afterAll(() => {
  neonConfig.fetchFunction = fetchFunction
})

/** Of their own, as pruning and erasing reach every account. */
const url = await emptyDatabase()
const { db } = resourcesOf(environment({ DATABASE_URL: url }))
const query = <Row = Record<string, unknown>>(statement: string, parameters: unknown[] = []) =>
  sql<Row>(statement, parameters, url)

const [by] = await query<{ accountId: number; sessionId: string }>(
  `with admin as (
    insert into admins (username, email, is_superadmin) values ('admin', 'admin@example.com', true)
    returning id
  )
  insert into admin_sessions (id, account_id, epoch, expires_at, ends_at)
  select gen_random_uuid(), id, 0, now() + interval '1 day', now() + interval '1 day' from admin
  returning account_id as "accountId", id as "sessionId"`,
)
if (!by) throw new Error('No admin')
const world = { db, admin: by }

type AccountType = keyof typeof ACTS

const RESETS = {
  user: ['password_resets', 'user_id'],
  admin: ['admin_password_resets', 'admin_id'],
} as const

let count = 0

/** A new account, with rows that have expired. */
async function newAccount(type: AccountType, { before, hasReset }: Start): Promise<Account> {
  for (const table of ['users', 'outbox']) await query(`delete from ${table}`)
  const email = `${type}${count++}@example.com`
  const [resets, owner] = RESETS[type]
  const [row] = await query<{ id: number; open: string[]; reset: string }>(
    `with account as (
      insert into ${type}s (username, email, adopted_at) values ($1, $2, now()) returning id
    ), sessions as (
      insert into ${type}_sessions (id, account_id, epoch, expires_at, ends_at)
      select gen_random_uuid(), id, 0, now() + make_interval(days => days), now() + interval '9 days'
      from account, unnest(array[1, 1, 1, -2]) as days
      returning id, expires_at
    ), networks as (
      insert into ${type}_networks (account_id, network, last_login_at)
      select id, network, now() - interval '91 days'
      from account, unnest(array['203.0.113.0/24', '198.51.100.0/24']) as network
    ), attempts as (
      insert into attempts (key, count, resets_at)
      select '${type}:' || id || network, 1, now() - interval '1 s'
      from account, unnest(array['', '@203.0.113.0/24', '@198.51.100.0/24']) as network
    ), reset as (
      insert into ${resets} (${owner}, id, expires_at)
      select id, gen_random_uuid(), now() + interval '1 h' from account returning id
    )
    select account.id, (select array_agg(id) from sessions where expires_at > now()) as open,
      (select id from reset) as reset
    from account`,
    [`${type}${count}`, email],
  )
  const [current, other] = row?.open ?? []
  if (!row || !current || !other) throw new Error('No account')
  for (const set of before) await query(`update ${type}s set ${set} where id = $1`, [row.id])
  if (!hasReset) await query(`delete from ${resets} where ${owner} = $1`, [row.id])
  return { id: row.id, email, current, other, resetId: row.reset }
}

async function stateOf(type: AccountType, id: number): Promise<State> {
  const [resets, owner] = RESETS[type]
  const counted = (what: string, from: string) =>
    `(select json_object_agg(name, number) from (
      select ${what} as name, count(*) as number from ${from} group by 1
    ) as counts)`
  const [state] = await query<State>(
    `with account as (select * from ${type}s where id = $1), open as (
      select s.id from ${type}_sessions s join account a on a.id = s.account_id
      where s.revoked_at is null and s.expires_at > now() and a.is_active and a.deleted_at is null
        and (s.epoch = a.session_epoch or s.id = a.kept_session)
    )
    select (select to_json(account) from account) as account,
      array(select id from open) as open,
      (select count(*)::int from ${type}_sessions where account_id = $1 and revoked_at is not null)
        as revoked,
      (select count(*)::int from ${resets} r where r.${owner} = $1 and r.expires_at > now()
        and r.issued_at > coalesce((select resets_void_until from account), '-infinity')) as resets,
      ${counted(`mail->>'kind'`, 'outbox')} as mails,
      ${counted('action', `audit_events where (target_kind, target_id) = ('${type}', $1)`)} as lines,
      json_build_object(
        'active', (select sum(total) from user_totals where is_active),
        'inactive', (select sum(total) from user_totals where not is_active),
        'users', (select count(*) from users where deleted_at is null and is_active),
        'inactive_users', (select count(*) from users where deleted_at is null and not is_active)
      ) as totals`,
    [id],
  )
  if (!state) throw new Error('No state')
  return state
}

const PAIRS = (['user', 'admin'] as const).flatMap((type) => {
  const acts = Object.entries<Act>(ACTS[type])
  return acts.flatMap(([one, first], i) =>
    acts.slice(i).map(([two, second]) => ({ type, names: [one, two], acts: [first, second] })),
  )
})

test.each(PAIRS)(
  'Pairs: $names.0 and $names.1 of one $type, 25 of each at once',
  async ({ type, names, acts }) => {
    const before = acts.flatMap((act) => act.before ?? [])
    // An act does not see what was added while it waited for the account: a row where there was none.
    const hasReset =
      startsUsable(before) && (names.includes('reset') || !names.includes('request of a reset'))
    const account = await newAccount(type, { before, hasReset })
    const held = query(
      `with held as (select from ${type}s where id = $1 for update)
       select pg_sleep($2) from held`,
      [account.id, HELD_SECONDS],
    )
    const outcomes = await atOnce(CROWD, async (i) => {
      const act = acts[i % 2]
      return act ? runAct(act, world, account, i) : []
    })
    await held
    const state = await stateOf(type, account.id)
    expectExplained({ before, hasReset, effects: outcomes.flat(), account, state })
  },
)
