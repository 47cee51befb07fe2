/** The bundle in `workerd serve`, with nothing in front of it, under more load than one thread can take. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { insertUsers, logIn, PASSWORD } from '../../bench/accounts.ts'
import { type Load, startLoad } from '../../bench/load.ts'
import { BURST_ACCOUNTS, burstGoals, measureBurst } from '../../bench/measure/burst.ts'
import { isMet } from '../../bench/report/goals.ts'
import { type ServedWorker, serveWorker } from '../../bench/workerd.ts'
import { type Lane, openLane } from '../setup/lanes.ts'
import type {} from '../setup/world.ts'
import { builtBundle } from './built-bundle.ts'

/** Seconds of each of five phases. */
const PHASE = 4

let script: string
let redis: Lane
let load: Load
let worker: ServedWorker

/** The bundle with the defaults of the two limits that the tests raise. */
async function serve(variables: Record<string, string> = {}) {
  const { bindings } = inject('world')
  const { HASH_QUEUE_MS: _, REDIS_TIMEOUT_MS: __, ...others } = bindings
  worker = await serveWorker({
    script,
    variables: { ...others, LOG_LEVEL: 'warn', UPSTASH_REDIS_REST_URL: redis.url, ...variables },
  })
  return worker
}

beforeAll(async () => {
  const { bindings, faultProxyUrl } = inject('world')
  script = (await builtBundle()).file
  redis = await openLane(faultProxyUrl, 'upstash')
  load = startLoad()
  const database = new pg.Client({ connectionString: bindings['DATABASE_URL'] })
  await database.connect()
  await insertUsers(database, 'burst', BURST_ACCOUNTS)
  await database.end()
})
afterEach(() => worker.stop())
afterAll(async () => {
  await load.stop()
  await redis.close()
})

test('Overload: beside 16 and 64 logins in flight, GET me takes about as long as a login alone; no limit or deadline misfires; only 200 and 503', {
  retry: 1,
}, async () => {
  await serve()
  const phases = await measureBurst({ worker, load, prefix: 'burst', seconds: PHASE })
  // Logins per second, and the time in the line, depend on the other tests that this machine runs.
  const goals = burstGoals(phases).filter(({ goal }) => !/a second|slowest/.test(goal))
  expect(goals).toHaveLength(8)
  expect(goals.filter((goal) => !isMet(goal))).toEqual([])
})

/** Calls `GET /api/users/me` from one address, all at once, and returns how often each status came. */
async function callMe(times: number): Promise<Record<number, number>> {
  const { access_token: token } = await logIn(worker.url, 'burst-0')
  const headers = { Authorization: `Bearer ${token}`, 'CF-Connecting-IP': '203.0.113.9' }
  const counts: Record<number, number> = {}
  const call = async () => {
    const { status } = await fetch(`${worker.url}/api/users/me`, { headers })
    counts[status] = (counts[status] ?? 0) + 1
  }
  await Promise.all(Array.from({ length: times }, call))
  return counts
}

test('23: 260 requests at once by an address with a quota left are all 200', async () => {
  const { UPSTASH_REDIS_REST_URL = '' } = inject('world').bindings
  await serve({ RATE_LIMIT_PER_HOUR: '1000', UPSTASH_REDIS_REST_URL })
  expect(await callMe(260)).toEqual({ 200: 260 })
})

test('23: 30 requests at once by one address are all 200 while Redis is down', async () => {
  await serve()
  await redis.fault({ kind: 'disconnect' })
  expect(await callMe(30)).toEqual({ 200: 30 })
  await redis.calm()
})

test('Overload: clients that disconnect in the line leave their places to others', async () => {
  await serve()
  const attempt = (number: number, signal?: AbortSignal) =>
    fetch(`${worker.url}/api/users/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': `198.51.100.${number}` },
      body: JSON.stringify({ username: `burst-${number}`, password: PASSWORD }),
      ...(signal && { signal }),
    })
  const given = Array.from({ length: 20 }, (_, n) =>
    attempt(n, AbortSignal.timeout(150)).then(
      ({ status }) => status,
      () => 'disconnected',
    ),
  )
  const disconnected = (await Promise.all(given)).filter((each) => each === 'disconnected')
  expect(disconnected.length).toBeGreaterThan(10)
  const outcomes: number[] = []
  // What the disconnected began is finished first.
  while (outcomes.at(-1) !== 200 && outcomes.length < 20) {
    outcomes.push((await attempt(100 + outcomes.length)).status)
    if (outcomes.at(-1) === 503) await sleep(250)
  }
  expect(outcomes.at(-1)).toBe(200)
})
