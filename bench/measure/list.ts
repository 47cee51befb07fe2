/** How long pages of the list of users take as their number grows. */
import type pg from 'pg'
import { insertAdmin, logIn } from '../accounts.ts'
import { send } from '../calls.ts'
import type { Goal } from '../report/goals.ts'
import { median } from '../report/statistics.ts'
import type { ServedWorker } from '../workerd.ts'

/** Of a hundred users, five are disabled and one of the others is deleted. */
const fill = `
  insert into users (username, email, hashed_password, is_active, deleted_at)
  select 'user' || n, 'user' || n || '@example.com', 'x', n % 20 <> 7,
    case when n % 100 = 3 then now() end
  from generate_series($1::int, $2::int) n`

/** Adds users up to this many, named user1, user2, …, on top of those of an earlier call. */
export async function fillUsers(database: pg.Client, from: number, to: number): Promise<void> {
  await database.query(fill, [from + 1, to])
  await database.query('vacuum analyze users')
}

/** The deep page is nine tenths down: page 90,000 of a million users. `limit`: at a million, times page 1. */
const CASES: { name: string; query: string; limit?: number }[] = [
  { name: 'page 1', query: '' },
  { name: 'is_active=true', query: 'is_active=true', limit: 2.5 },
  { name: 'is_active=false', query: 'is_active=false', limit: 2.5 },
  { name: 'deleted=true', query: 'deleted=true', limit: 2.5 },
  { name: 'search: selective', query: 'search=user123', limit: 2.5 },
  { name: 'search: selective, is_active=false', query: 'search=user12&is_active=false', limit: 4 },
  { name: 'search: a ninth, page 50', query: 'search=user1&page=50', limit: 4 },
  { name: 'search: all', query: 'search=u', limit: 4 },
  { name: 'search: nobody', query: 'search=nobody', limit: 2.5 },
  { name: 'sort=created_at', query: 'sort=created_at', limit: 2.5 },
  { name: 'sort=username', query: 'sort=username', limit: 2.5 },
  { name: 'sort=-username', query: 'sort=-username', limit: 2.5 },
  { name: 'sort=email', query: 'sort=email', limit: 2.5 },
  { name: 'sort=-email', query: 'sort=-email', limit: 2.5 },
  { name: 'sort=username, is_active=false', query: 'sort=username&is_active=false', limit: 2.5 },
  { name: 'sort=email, deleted=true', query: 'sort=email&deleted=true', limit: 2.5 },
  { name: 'next page, by cursor', query: 'cursor={cursor}', limit: 2.5 },
  { name: 'nine tenths down, by number', query: 'page={deep}', limit: 20 },
]

/** Median milliseconds of each case. */
export type ListTimes = { users: number; times: Record<string, number> }

/** All cases in turn, so that a disturbance affects all of them. */
export async function measureList(
  worker: ServedWorker,
  { users, token, times }: { users: number; token: string; times: number },
): Promise<ListTimes> {
  const path = (query: string) => `/api/admins/users?${query}`
  const first = await send(worker.url, 'GET', path(''), { token })
  const { next_cursor: cursor } = (await first.json()) as { next_cursor: string }
  const samples = new Map(CASES.map(({ name }): [string, number[]] => [name, []]))
  for (let i = -1; i < times; i++) {
    for (const { name, query } of CASES) {
      const filled = query
        .replace('{cursor}', cursor)
        .replace('{deep}', String(Math.max(1, Math.floor(users * 0.09))))
      const started = performance.now()
      const response = await send(worker.url, 'GET', path(filled), { token })
      const text = await response.text()
      if (i >= 0) samples.get(name)?.push(performance.now() - started)
      if (response.status !== 200) throw new Error(`${filled}: ${response.status} ${text}`)
    }
  }
  const medians = [...samples].map(([name, all]) => [name, median(all)] as const)
  return { users, times: Object.fromEntries(medians) }
}

/** A tenth, a hundredth, … of the largest size, from 1,000 on. */
export const sizesUpTo = (largest: number): number[] =>
  largest <= 1_000 ? [largest] : [...sizesUpTo(largest / 10), largest]

/** @returns a token for {@link measureList} */
export async function listAdmin(database: pg.Client, worker: ServedWorker): Promise<string> {
  await insertAdmin(database, 'list-admin')
  return (await logIn(worker.url, 'list-admin', 'admins')).access_token
}

export const listGoals = ({ users, times }: ListTimes): Goal[] =>
  CASES.flatMap(({ name, limit }) =>
    limit === undefined
      ? []
      : [
          {
            goal: `${users.toLocaleString('en')} users, ${name}: times page 1`,
            measured: (times[name] ?? Number.NaN) / (times['page 1'] ?? Number.NaN),
            limit: { most: limit },
          },
        ],
  )
