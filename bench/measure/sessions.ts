/** Whether `me` and refresh depend on how many sessions there are, and what the cron prunes. */
import type pg from 'pg'
import { insertUsers, logIn, type Tokens } from '../accounts.ts'
import { send } from '../calls.ts'
import { median } from '../report/statistics.ts'
import type { ServedWorker } from '../workerd.ts'

/** So many sessions in turn, so that their rows and pages of the indexes are not always the same. */
const SESSIONS = 100

/** A cron that fails each time is not waited for. */
const MAX_RUNS = 50

/** Median milliseconds. `control`: a call with the trips of `me`, to tables that don't grow. */
export type SessionTimes = { sessions: number; me: number; refresh: number; control: number }

export async function logInForSessions(database: pg.Client, worker: ServedWorker) {
  await insertUsers(database, 'sessions', SESSIONS)
  const tokens: Tokens[] = []
  for (let n = 0; n < SESSIONS; n++) tokens.push(await logIn(worker.url, `sessions-${n}`))
  return tokens
}

/** Adds sessions, spread over all users, so that there are `total`. */
export async function fillSessions(database: pg.Client, total: number): Promise<void> {
  // In order of their ids, because random places in a large index are slow to fill.
  await database.query(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
      select gen_random_uuid() as id, u.id, 0, now() + interval '7 days', now() + interval '30 days'
      from (select id, row_number() over (order by id) - 1 as n, count(*) over () as users from users) u,
        generate_series(u.n, $1::bigint - (select count(*) from user_sessions) - 1, u.users)
      order by 1`,
    [total],
  )
  await database.query('vacuum analyze user_sessions')
}

/** Replaces each refresh token by its successor. */
export async function measureSessions(
  worker: ServedWorker,
  database: pg.Client,
  { tokens, adminToken }: { tokens: Tokens[]; adminToken: string },
): Promise<SessionTimes> {
  const times = { me: [] as number[], refresh: [] as number[], control: [] as number[] }
  for (const own of tokens) {
    const started = performance.now()
    const me = await send(worker.url, 'GET', '/api/users/me', { token: own.access_token })
    await me.text()
    const between = performance.now()
    const body = { refresh_token: own.refresh_token }
    const refreshed = await send(worker.url, 'POST', '/api/users/refresh', { body })
    Object.assign(own, await refreshed.json())
    const ended = performance.now()
    if (!me.ok || !refreshed.ok) throw new Error(`me: ${me.status}, refresh: ${refreshed.status}`)
    times.me.push(between - started)
    times.refresh.push(ended - between)
    const control = await send(worker.url, 'GET', '/api/admins/me', { token: adminToken })
    await control.text()
    times.control.push(performance.now() - ended)
  }
  const { rows } = await database.query<{ count: string }>('select count(*) from user_sessions')
  const sessions = Number(rows[0]?.count)
  return {
    ...{ sessions, me: median(times.me), refresh: median(times.refresh) },
    control: median(times.control),
  }
}

/** `rows`: pruned, of those there were. `failures`: runs that ended early, for example because a statement took too long. */
export type Pruning = { rows: number; runs: number; failures: number; slowestSeconds: number }

/** Leaves as many expired attempts and sessions, as a flood of logins does, to the cron. */
export async function measurePruning(
  worker: ServedWorker,
  database: pg.Client,
  rows: number,
): Promise<Pruning> {
  await database.query(
    `insert into attempts (key, count, resets_at)
      select 'user?flood' || n, 1, now() - interval '1 minute' from generate_series(1, $1::int) n`,
    [rows],
  )
  await database.query(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
      select gen_random_uuid(), (select min(id) from users), 0, now() - interval '2 days', now()
      from generate_series(1, $1::int)`,
    [rows],
  )
  worker.clearLogs()
  let runs = 0
  let slowestSeconds = 0
  let left = 2 * rows
  for (; left > 0 && runs < MAX_RUNS; runs++) {
    const started = performance.now()
    await (await fetch(`${worker.deliverUrl}/scheduled`, { method: 'POST' })).text()
    slowestSeconds = Math.max(slowestSeconds, (performance.now() - started) / 1000)
    const { rows: counted } = await database.query<{ left: number }>(
      `select ((select count(*) from attempts where resets_at < now())
        + (select count(*) from user_sessions where expires_at < now() - interval '1 day'))::int as left`,
    )
    left = counted[0]?.left ?? 0
  }
  const failures = worker.logs().filter((line) => line.includes('maintenance_failed')).length
  return { rows: 2 * rows - left, runs, failures, slowestSeconds }
}
