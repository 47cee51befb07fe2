/** The tables of docs/deployment.md are those of `npm run costs`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ASSUMED, costsOf } from '../../scripts/costs/model.ts'
import { costTable, knobTable, USERS } from '../../scripts/costs.ts'

const DOCUMENT = join(import.meta.dirname, '../../docs/deployment.md')

/** Without the spaces and dashes of the formatter. */
const cells = (table: string) =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replace(/-{3,}/, '---')))

test.each([
  ['costs', costTable(USERS)],
  ['knobs', knobTable(USERS)],
])('the table %s of docs/deployment.md is what npm run costs prints', async (name, table) => {
  const text = await readFile(DOCUMENT, 'utf8')
  const [, written] = new RegExp(`<!-- ${name} -->([^]*?)<!-- /${name} -->`).exec(text) ?? []
  expect(cells(written ?? '')).toEqual(cells(table))
})

test('a month is what the price lists say, worked out by hand', () => {
  const idle = { active: 0, registrations: 0, hasMetrics: false }
  const { price, total } = costsOf({ ...ASSUMED, ...idle, users: 1_000_000 })
  // Workers Paid; 0.25 units for 730 hours and 0.556 GB; the free plans.
  expect(price.cloudflare).toBe(5)
  expect(price.neon).toBeCloseTo(0.25 * 730 * 0.106 + 0.556 * 0.35, 6)
  expect(price).toMatchObject({ upstash: 0, resend: 0 })
  expect(total).toBeCloseTo(5 + price.neon, 6)

  // A million users who log in once, and do nothing else.
  const once = { visits: 0, logins: 1, failedLogins: 0, resets: 0, passwordChanges: 0, ipv6: 0 }
  const logins = costsOf({ ...ASSUMED, ...idle, ...once, active: 1, users: 1_000_000 })
  expect(logins.requests).toBe(1_000_000)
  expect(logins.hashCpuMs).toBe(65_000_000)
  expect(logins.redisCommands).toBe(8_000_000)
  // 65 s of hashes and 1 ms for the rest of each, 5 ms of each run of the cron, less 30 million.
  expect(logins.price.cloudflare).toBeCloseTo(5 + ((65 + 1 + 0.0438 - 30) * 2) / 100, 4)
  expect(logins.price.upstash).toBe(10)
})

test.each([
  [1000, 0, 'on the busiest of 30 days less than 100'],
  [3000, 20, 'more than 100 on the busiest day'],
  [250_000, 200, 'the most that Pro sends'],
  [300_000, 270, 'Scale, as Pro ends at five times its 50,000'],
])('%i emails a month are $%i: %s', (mails, price) => {
  const none = { active: 0, users: mails, registrations: 1 }
  expect(costsOf({ ...ASSUMED, ...none }).price.resend).toBeCloseTo(price, 6)
})
