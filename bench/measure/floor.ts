/** Our Worker beside the bare one with the same trips (floor/bare.ts): what the rest of ours costs. */
import { createHmac, randomUUID } from 'node:crypto'
import { insertAdmin, insertUsers, logIn } from '../accounts.ts'
import type { Dependencies } from '../dependencies.ts'
import type { Traffic } from '../load.ts'
import { median, percentile } from '../report/statistics.ts'
import type { Bench, Variant } from './variants.ts'

const CALLERS = 8
const WARM_UP_SECONDS = 2

const FLOOR_CALLS = ['me', 'refresh', 'list', 'health'] as const

export type FloorCall = (typeof FLOOR_CALLS)[number]

/** Medians of the rounds. Times in milliseconds; `workerCpu` and `databaseCpu` for a request. */
export type Cost = {
  call: FloorCall
  variant: string
  perSecond: number
  p50: number
  p99: number
  workerCpu: number
  databaseCpu: number
}

/** Sessions of the first users, with the refresh tokens of floor/bare.ts. */
async function bareRefreshTokens({ database, variables }: Dependencies, count: number) {
  const ids = Array.from({ length: count }, () => randomUUID())
  await database.query(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
      select session, account.id, 0, now() + interval '1 day', now() + interval '1 day'
      from unnest($1::uuid[]) with ordinality as sessions (session, n)
      join (select id, row_number() over (order by id) as n from users limit $2) account using (n)`,
    [ids, count],
  )
  return ids.map((id) => {
    const subject = `${id}.0`
    const signature = createHmac('sha256', variables['SECRET_KEY'] ?? '').update(subject)
    return `${subject}.${signature.digest('base64url')}`
  })
}

/** Access tokens are valid for both. */
type AccessTokens = { users: string[]; admin: string }

async function trafficOf(
  call: FloorCall,
  { isBare, worker }: Variant,
  dependencies: Dependencies,
  { users, admin }: AccessTokens,
): Promise<Traffic> {
  const group = { name: call, callers: CALLERS }
  const get = { ...group, method: 'GET' }
  switch (call) {
    case 'me':
      return { ...get, path: '/api/users/me', tokens: users }
    case 'list':
      return { ...get, path: '/api/admins/users', tokens: [admin] }
    case 'health':
      return { ...get, path: '/health' }
    case 'refresh': {
      const refreshTokens = isBare
        ? await bareRefreshTokens(dependencies, CALLERS)
        : await Promise.all(
            users.map(async (_, n) => (await logIn(worker.url, `floor-${n}`)).refresh_token),
          )
      const body = JSON.stringify({ refresh_token: '{refresh_token}' })
      return { ...group, method: 'POST', path: '/api/users/refresh', body, refreshTokens }
    }
  }
}

/** A call at a variant for some seconds. @throws if a response is not 200 */
async function measure(call: FloorCall, variant: Variant, bench: Bench, tokens: AccessTokens) {
  const { dependencies, load, seconds } = bench
  const { worker, name } = variant
  const traffic = [await trafficOf(call, variant, dependencies, tokens)]
  const before = { worker: worker.cpuSeconds(), database: dependencies.databaseCpuSeconds() }
  const [outcome] = await load.run({ origin: worker.url, seconds, traffic })
  const workerCpu = worker.cpuSeconds() - before.worker
  const databaseCpu = dependencies.databaseCpuSeconds() - before.database
  const { statuses = {}, latencies = [], perSecond = 0 } = outcome ?? {}
  const count = statuses[200] ?? 0
  if (Object.keys(statuses).join() !== '200') {
    throw new Error(`${call} at ${name}: ${JSON.stringify(statuses)}\n${worker.logs().at(-1)}`)
  }
  return {
    perSecond,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    workerCpu: (workerCpu * 1000) / count,
    databaseCpu: (databaseCpu * 1000) / count,
  }
}

/** Each call at each variant in turn, in every round. */
export async function measureFloor(bench: Bench): Promise<Cost[]> {
  const { dependencies, variants, rounds } = bench
  await insertUsers(dependencies.database, 'floor', CALLERS)
  await insertAdmin(dependencies.database, 'floor-admin')
  const origin = variants.find(({ isBare }) => !isBare)?.worker.url ?? ''
  const users: string[] = []
  for (let n = 0; n < CALLERS; n++) users.push((await logIn(origin, `floor-${n}`)).access_token)
  const tokens = { users, admin: (await logIn(origin, 'floor-admin', 'admins')).access_token }
  const costs: Cost[] = []
  for (const call of FLOOR_CALLS) {
    for (const variant of variants) {
      await measure(call, variant, { ...bench, seconds: WARM_UP_SECONDS }, tokens)
    }
    const samples = new Map(
      variants.map(({ name }) => [name, [] as Omit<Cost, 'call' | 'variant'>[]]),
    )
    for (let round = 0; round < rounds; round++) {
      for (const variant of variants) {
        samples.get(variant.name)?.push(await measure(call, variant, bench, tokens))
      }
    }
    for (const [variant, all] of samples) {
      const middle = (key: keyof (typeof all)[number]) => median(all.map((each) => each[key]))
      costs.push({
        ...{
          call,
          variant,
          perSecond: middle('perSecond'),
          p50: middle('p50'),
          p99: middle('p99'),
        },
        ...{ workerCpu: middle('workerCpu'), databaseCpu: middle('databaseCpu') },
      })
    }
  }
  return costs
}
