import { getRounds, hash } from 'bcryptjs'
import { expect, test } from 'vitest'
import { hashPassword, verifyPassword } from '../../src/passwords/hash.ts'

const COST = 6
const PASSWORD = 'correct horse battery staple'
const COMPOSED = 'caf\u00e9 au lait'
const DECOMPOSED = 'cafe\u0301 au lait'

const GENUINE = { correct: true, outdated: false, malformed: false }
const WRONG = { correct: false, outdated: false, malformed: false }

test('a hash has the cost asked for and verifies its password alone, in either spelling', async () => {
  const stored = await hashPassword(DECOMPOSED, COST)
  expect(getRounds(stored)).toBe(COST)
  expect(await verifyPassword(COMPOSED, stored, COST)).toEqual(GENUINE)
  expect(await verifyPassword(DECOMPOSED, stored, COST)).toEqual(GENUINE)
  expect(await verifyPassword(PASSWORD, stored, COST)).toEqual(WRONG)
})

test.each([
  [COST - 1, true],
  [COST, false],
  [COST + 1, false],
])('a hash of cost %i, where new ones have 6, is outdated: %s', async (cost, outdated) => {
  const stored = await hash(PASSWORD, cost)
  expect(await verifyPassword(PASSWORD, stored, COST)).toEqual({ ...GENUINE, outdated })
  expect(await verifyPassword('wrong', stored, COST)).toEqual(WRONG)
})

test('a hash of what was typed, without normalization, is outdated', async () => {
  const stored = await hash(DECOMPOSED, COST)
  expect(await verifyPassword(DECOMPOSED, stored, COST)).toEqual({ ...GENUINE, outdated: true })
  expect(await verifyPassword(COMPOSED, stored, COST)).toEqual(WRONG)
})

test.each([
  ['in normal form', 'x'.repeat(72)],
  ['before normalization', `e\u0301${'x'.repeat(69)}`],
])('bytes after the 72nd are never ignored, %s', async (_, exact) => {
  const stored = await hash(exact, COST)
  expect((await verifyPassword(exact, stored, COST)).correct).toBe(true)
  expect(await verifyPassword(`${exact}y`, stored, COST)).toEqual(WRONG)
})

const DIGEST = 'a'.repeat(53)

test.each([
  ['$2a', 4],
  ['$2b', 14],
  ['$2y', 10],
])('a hash with %s of cost %i is a hash', async (prefix, cost) => {
  const stored = `${prefix}$${String(cost).padStart(2, '0')}$${DIGEST}`
  expect(await verifyPassword('wrong', stored, 4)).toEqual(WRONG)
})

test.each([
  ...[null, '', 'disabled', `$2b$03$${DIGEST}`, `$2b$15$${DIGEST}`, `$2b$20$${DIGEST}`],
  ...[`$2x$10$${DIGEST}`, `$2b$10$${DIGEST}a`, `$2b$10$${DIGEST.slice(1)}`, ` $2b$10$${DIGEST}`],
  `$2b$10$${DIGEST.slice(1)}!`,
])('%j is no hash', async (stored) => {
  expect(await verifyPassword(PASSWORD, stored, 4)).toEqual({ ...WRONG, malformed: true })
})

test('an account that does not exist has no hash, which is not malformed', async () => {
  expect(await verifyPassword(PASSWORD, undefined, 4)).toEqual(WRONG)
})

/** The fastest of three: whatever else runs on the machine only adds time. */
async function timeOf(stored: string | null) {
  const times: number[] = []
  for (let turn = 0; turn < 3; turn++) {
    const started = performance.now()
    await verifyPassword('wrong', stored, 10)
    times.push(performance.now() - started)
  }
  return Math.min(...times)
}

/** How exactly: `npm run timing`. Without the work that makes up for it, it would be a thirtieth. */
test('no hash and a cheaper one take about as long as one of today', async () => {
  const [today, cheaper] = [await hash(PASSWORD, 10), await hash(PASSWORD, 5)]
  const expected = await timeOf(today)
  expect(await timeOf(cheaper)).toBeGreaterThan(expected / 4)
  expect(await timeOf(null)).toBeGreaterThan(expected / 4)
})
