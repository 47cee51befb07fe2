/**
 * `npm run timing`: does the time of an answer tell whether there is an account?
 *
 * Method: the deployed bundle in workerd, PostgreSQL, Redis and mail box on this machine. One request
 * at a time, over one kept connection, in random order, so that whatever else the machine does meets
 * all cases alike. Each try has an account and a client address of its own, so that no cap, limit or
 * cache is met twice. Compared are the medians of the time to the whole answer; beyond 5 %
 * (requirement 6 in docs/security.md) the command fails. On a busy machine, run it again with more
 * tries: TIMING_TRIES=1000.
 */
import { hash } from 'bcryptjs'
import { type LocalService, startLocalService } from './local-service.ts'

const TRIES = Number(process.env['TIMING_TRIES'] || 250)

/** Forgot-password takes a few ms, of which the machine's noise is a larger part. */
const CHEAP_TRIES = 4 * TRIES

const WARM_UP_TRIES = 20

/** How far two medians may lie apart. */
const TOLERANCE = 0.05

const PASSWORD = 'correct horse battery staple'
const WRONG_PASSWORD = 'incorrect horse battery staple'
const LONG_PASSWORD = 'x'.repeat(73)

type Body = Record<string, string>

/** What is compared; the first case is what the others are held against. */
type Comparison = {
  path: string
  tries: number
  status: number
  cases: Record<string, (number: number) => Body>
}

const login: Comparison = {
  path: '/api/users/login',
  tries: TRIES,
  status: 401,
  cases: {
    'wrong password': (n) => ({ username: `usual-${n}`, password: WRONG_PASSWORD }),
    'unknown user': (n) => ({ username: `nobody-${n}`, password: WRONG_PASSWORD }),
    'unknown email': (n) => ({ username: `nobody-${n}@example.com`, password: WRONG_PASSWORD }),
    'disabled user, right password': (n) => ({ username: `disabled-${n}`, password: PASSWORD }),
    'malformed hash': (n) => ({ username: `malformed-${n}`, password: WRONG_PASSWORD }),
    '73-byte password': (n) => ({ username: `long-${n}`, password: LONG_PASSWORD }),
    '73-byte password, unknown user': (n) => ({
      username: `nobody2-${n}`,
      password: LONG_PASSWORD,
    }),
  },
}

const forgotPassword: Comparison = {
  path: '/api/password/forgot-password',
  tries: CHEAP_TRIES,
  status: 200,
  cases: {
    'known email': (n) => ({ email: `forgetful-${n}@example.com` }),
    'unknown email': (n) => ({ email: `forgotten-${n}@example.com` }),
  },
}

/** One account for each try at each case that needs one. */
async function createAccounts({ database }: LocalService) {
  const stored = await hash(PASSWORD, 10)
  const add = (prefix: string, count: number, passwordHash: string, active = true) =>
    database.query(
      `insert into users (username, email, hashed_password, is_active)
      select $1 || '-' || n, $1 || '-' || n || '@example.com', $2, $3
      from generate_series(0, $4::int - 1) as n`,
      [prefix, passwordHash, active, count],
    )
  const count = TRIES + WARM_UP_TRIES
  await add('usual', count, stored)
  await add('disabled', count, stored, false)
  await add('malformed', count, 'pbkdf2_sha256$600000$salt$digest')
  await add('long', count, stored)
  await add('forgetful', CHEAP_TRIES + WARM_UP_TRIES, stored)
  await database.query('analyze')
}

let address = 0

/** Milliseconds from the request to the end of its answer. */
async function timeOf(url: string, body: Body, status: number): Promise<number> {
  address++
  const started = performance.now()
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'CF-Connecting-IP': `10.${address >> 16}.${(address >> 8) & 255}.${address & 255}`,
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  const took = performance.now() - started
  if (response.status !== status) throw new Error(`Not ${status} at ${url}: ${text}`)
  return took
}

/** In random order. */
const shuffle = <Item>(items: Item[]): Item[] =>
  items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)

const quantile = (sorted: Float64Array, share: number) =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN

type Measured = { name: string; median: number; quartiles: [number, number] }

async function measure(origin: string, { path, tries, status, cases }: Comparison) {
  const run = (first: number, count: number) =>
    shuffle(
      Object.entries(cases).flatMap(([name, bodyOf]) =>
        Array.from({ length: count }, (_, n) => ({ name, body: bodyOf(first + n) })),
      ),
    )
  for (const { body } of run(tries, WARM_UP_TRIES)) await timeOf(origin + path, body, status)
  const times = new Map(Object.keys(cases).map((name): [string, number[]] => [name, []]))
  for (const { name, body } of run(0, tries)) {
    times.get(name)?.push(await timeOf(origin + path, body, status))
  }
  return [...times].map(([name, each]): Measured => {
    const sorted = Float64Array.from(each).sort()
    const quartiles: [number, number] = [quantile(sorted, 0.25), quantile(sorted, 0.75)]
    return { name, median: quantile(sorted, 0.5), quartiles }
  })
}

/** Prints the medians, and answers whether all lie near the first. */
function report({ path, tries }: Comparison, measured: Measured[]): boolean {
  const [base] = measured
  if (!base) return false
  console.log(`\nPOST ${path}: ${tries} tries each, ms (median, quartiles, ratio)`)
  let alike = true
  for (const { name, median, quartiles } of measured) {
    const ratio = median / base.median
    const near = Math.abs(ratio - 1) <= TOLERANCE
    alike &&= near
    const [low, high] = quartiles.map((time) => time.toFixed(2))
    console.log(
      `  ${name.padEnd(32)}${median.toFixed(2).padStart(8)}  ${low}..${high}  ${ratio.toFixed(3)}${near ? '' : '  <- tells'}`,
    )
  }
  return alike
}

const service = await startLocalService()
try {
  await createAccounts(service)
  const verdicts = []
  for (const comparison of [login, forgotPassword]) {
    verdicts.push(report(comparison, await measure(service.url, comparison)))
  }
  const alike = verdicts.every(Boolean)
  console.log(
    alike
      ? `\nAll medians lie within ${TOLERANCE * 100} %: the time tells nothing.`
      : `\nA median lies more than ${TOLERANCE * 100} % off: the time tells whether there is an account.`,
  )
  if (!alike) process.exitCode = 1
} finally {
  await service.stop()
}
