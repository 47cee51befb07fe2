// `npm run timing`: does the response time reveal whether an account exists?
import { hash } from 'bcryptjs'
import { readCommandLine } from '../scripts/command-line.ts'
import { type LocalService, startLocalService } from './local-service.ts'

const WARM_UP_ATTEMPTS = 20

/** The largest relative difference between two medians. */
const TOLERANCE = 0.05

const { values } = readCommandLine({
  name: 'npm run timing',
  about: `Does the response time reveal whether an account exists? Fails if it does: if a median differs from the
others by more than ${TOLERANCE * 100} % (requirement 6 in docs/security.md).`,
  options: {
    attempts: {
      ...{ type: 'string', value: '<n>', least: 1, default: '250' },
      about: 'logins of each case; more on a busy machine, such as 1000',
    },
  },
  details: `Method: the deployed bundle in workerd, with PostgreSQL, Redis and the mailbox on this machine. One request
at a time, over one connection, in random order, so that other load on the machine affects all cases
equally. Each attempt uses its own account and client address, so that no limit or cache is hit twice.
Compares the medians of the time to the complete response.`,
})

const ATTEMPTS = Number(values.attempts)

/** Forgot-password takes only a few ms, so noise matters more. */
const FORGOT_PASSWORD_ATTEMPTS = 4 * ATTEMPTS

const PASSWORD = 'correct horse battery staple'
const WRONG_PASSWORD = 'incorrect horse battery staple'
const LONG_PASSWORD = 'x'.repeat(73)

type Body = Record<string, string>

/** The first case is the baseline. */
type Comparison = {
  path: string
  attempts: number
  status: number
  cases: Record<string, (number: number) => Body>
}

const login: Comparison = {
  path: '/api/users/login',
  attempts: ATTEMPTS,
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
  attempts: FORGOT_PASSWORD_ATTEMPTS,
  status: 200,
  cases: {
    'known email': (n) => ({ email: `forgetful-${n}@example.com` }),
    'unknown email': (n) => ({ email: `forgotten-${n}@example.com` }),
  },
}

/** One account for each attempt of each case that needs one. */
async function createAccounts({ database }: LocalService) {
  const stored = await hash(PASSWORD, 10)
  const add = (prefix: string, count: number, passwordHash: string, active = true) =>
    database.query(
      `insert into users (username, email, hashed_password, is_active)
      select $1 || '-' || n, $1 || '-' || n || '@example.com', $2, $3
      from generate_series(0, $4::int - 1) as n`,
      [prefix, passwordHash, active, count],
    )
  const count = ATTEMPTS + WARM_UP_ATTEMPTS
  await add('usual', count, stored)
  await add('disabled', count, stored, false)
  await add('malformed', count, 'pbkdf2_sha256$600000$salt$digest')
  await add('long', count, stored)
  await add('forgetful', FORGOT_PASSWORD_ATTEMPTS + WARM_UP_ATTEMPTS, stored)
  await database.query('analyze')
}

let address = 0

/** Milliseconds from the request to the end of the response. */
async function measureRequest(url: string, body: Body, status: number): Promise<number> {
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
  const duration = performance.now() - started
  if (response.status !== status) throw new Error(`${url} returned ${response.status}: ${text}`)
  return duration
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

async function measure(origin: string, { path, attempts, status, cases }: Comparison) {
  const run = (first: number, count: number) =>
    shuffle(
      Object.entries(cases).flatMap(([name, bodyOf]) =>
        Array.from({ length: count }, (_, n) => ({ name, body: bodyOf(first + n) })),
      ),
    )
  for (const { body } of run(attempts, WARM_UP_ATTEMPTS)) {
    await measureRequest(origin + path, body, status)
  }
  const times = new Map(Object.keys(cases).map((name): [string, number[]] => [name, []]))
  for (const { name, body } of run(0, attempts)) {
    times.get(name)?.push(await measureRequest(origin + path, body, status))
  }
  return [...times].map(([name, each]): Measured => {
    const sorted = Float64Array.from(each).sort()
    const quartiles: [number, number] = [quantile(sorted, 0.25), quantile(sorted, 0.75)]
    return { name, median: quantile(sorted, 0.5), quartiles }
  })
}

/** Prints the medians. @returns whether all are close to the baseline */
function report({ path, attempts }: Comparison, measured: Measured[]): boolean {
  const [base] = measured
  if (!base) return false
  console.log(`\nPOST ${path}: ${attempts} attempts each, ms (median, quartiles, ratio)`)
  let allClose = true
  for (const { name, median, quartiles } of measured) {
    const ratio = median / base.median
    const isClose = Math.abs(ratio - 1) <= TOLERANCE
    allClose &&= isClose
    const [low, high] = quartiles.map((time) => time.toFixed(2))
    console.log(
      `  ${name.padEnd(32)}${median.toFixed(2).padStart(8)}  ${low}..${high}  ${ratio.toFixed(3)}${isClose ? '' : '  <- differs'}`,
    )
  }
  return allClose
}

const service = await startLocalService()
try {
  await createAccounts(service)
  const results = []
  for (const comparison of [login, forgotPassword]) {
    results.push(report(comparison, await measure(service.url, comparison)))
  }
  const allClose = results.every(Boolean)
  console.log(
    allClose
      ? `\nAll medians are within ${TOLERANCE * 100} %: the time reveals nothing.`
      : `\nA median differs by more than ${TOLERANCE * 100} %: the time reveals whether an account exists.`,
  )
  if (!allClose) process.exitCode = 1
} finally {
  await service.stop()
}
