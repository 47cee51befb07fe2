/**
 * One account's life, from registration until it is erased and registered again: steps in random order,
 * some at once. Every response has to follow from a small model of the account; of steps at once, from
 * some order of them. They run for 20 seconds, or for FUZZ_SECONDS (`npm run fuzz`); FUZZ_SEED repeats a
 * failure.
 */
import * as fc from 'fast-check'
import { expect, inject, test } from 'vitest'
import { runMaintenance } from '../../src/maintenance.ts'
import { resetToken } from '../../src/tokens/reset.ts'
import { resourcesOf } from '../security/attack.ts'
import { deliver, heldQueue } from '../security/faulty-world.ts'
import { newcomer, PASSWORD } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { type Model, openSessions, UNREGISTERED, usableUser } from './account-model.ts'
import { agrees, EVERYTHING } from './account-state.ts'
import { type NamedStep, REVIVALS, STEPS } from './arbitrary-steps.ts'
import type { World } from './step.ts'

const { seconds, seed } = inject('fuzz')

const BUDGET_MS = Math.max(20, seconds) * 1_000
const GRACE_MS = 60_000

/** Steps of one life, most of which are skipped while nobody is logged in. A failure is shrunk to the fewest that show it. */
const MAX_STEPS = 400

const url = await emptyDatabase()
const { queue, held } = heldQueue()
const env = environment({
  DATABASE_URL: url,
  MAIL_QUEUE: queue,
  RATE_LIMIT_PER_HOUR: 1_000_000,
})
const { keys } = resourcesOf(env)
const query = <Row>(statement: string, parameters: unknown[] = []) =>
  sql<Row>(statement, parameters, url)

/** Creates the admin, and a user whose email is taken. */
async function settle() {
  const [admin, neighbor] = [newcomer(), newcomer()]
  const headers = { 'X-Bootstrap-Token': String(env.ADMIN_BOOTSTRAP_TOKEN) }
  await visitor({ env }).post('/api/admins/register', admin, { headers })
  await visitor({ env }).post('/api/users/register', neighbor)
  const { body } = await visitor({ env }).post('/api/admins/login', admin)
  return { admin: body.access_token, taken: neighbor.email }
}

const others = await settle()

/** A world in which the account does not exist yet. */
function newWorld(): World {
  let lastReset = 'none'
  return {
    ...others,
    names: [newcomer(), newcomer()],
    passwords: [PASSWORD, 'another long password', 'a third long password'],
    call: (method, path, body, token) => visitor({ env }).call(method, path, body, { token }),
    async sql(statement, parameters) {
      return { status: 200, body: await query(statement, parameters) }
    },
    async deliverResets() {
      for (const message of held.splice(0)) {
        if (message.type !== 'reset-requested') continue
        await deliver([message], env)
        lastReset = resetToken(keys, 'user', message.id)
      }
      return lastReset
    },
    lastReset: () => lastReset,
    async runCron() {
      await runMaintenance(env)
      return { status: 200, body: {} }
    },
  }
}

/** What may be true of the account: of steps at once, each order may lead to another model. */
type Life = { possible: Model[] }

let taken = 0
let end = Number.POSITIVE_INFINITY

/**
 * Takes steps at once.
 *
 * @param always whether they are of interest while nobody is logged in
 */
const atOnce = (steps: readonly NamedStep[], always: boolean): fc.AsyncCommand<Life, World> => ({
  check({ possible }) {
    const usable = possible.filter((model) => usableUser(model))
    const isWanted = usable.some((model) => openSessions(model).length > 0)
      ? () => true
      : ({ name }: NamedStep) => (usable.length > 0 ? name === 'log in' : REVIVALS.includes(name))
    return always || steps.some(isWanted)
  },

  async run(life, world) {
    const [model] = life.possible
    if (!model || Date.now() > end) return
    // Limits are for other tests.
    await query('delete from attempts')
    const requests = steps.map(({ step }) => step(model, world))
    const responses = await Promise.all(requests.map(({ act }) => act()))
    taken += responses.length
    const transitions = requests.flatMap(({ explain }, i) => {
      const response = responses[i]
      return response ? [(before: Model) => explain(before, response)] : []
    })
    const after = life.possible.flatMap((before) =>
      ordersOf(transitions).flatMap((order) => inOrder(before, order) ?? []),
    )
    const state = await world.sql(EVERYTHING, [after[0]?.lastId ?? 0])
    const now = after.filter((each) => agrees(each, state.body[0]))
    if (now.length === 0) {
      const shown = responses.map(({ status, body }) => ({ status, body }))
      throw new Error(
        `${steps.join(' & ')}: ${JSON.stringify(shown)}, then ${JSON.stringify(state.body)} does not follow from ${JSON.stringify(life.possible)}`,
      )
    }
    const distinct = new Map(now.map((each) => [JSON.stringify(each), each]))
    life.possible = [...distinct.values()]
  },

  toString: () => steps.join(' & '),
})

type Transition = (before: Model) => Model | undefined

const inOrder = (before: Model, order: Transition[]) =>
  order.reduce<Model | undefined>((now, next) => now && next(now), before)

function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((first) =>
    ordersOf(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  )
}

/** Not two of one kind: `races-pairs` has those. */
const together = fc.uniqueArray(fc.oneof(...STEPS), {
  ...{ selector: ({ name }) => name, minLength: 2, maxLength: 3 },
})
const seldom = fc.integer({ min: 0, max: 9 }).map((part) => part === 0)
const commands = [
  ...STEPS.map((step) => step.map((each) => [each])),
  ...Array.from({ length: STEPS.length / 3 }, () => together),
].map((steps) => fc.tuple(steps, seldom).map(([all, always]) => atOnce(all, always)))

const life = fc.commands(commands, { maxCommands: MAX_STEPS, size: 'max' })

test('Every response in the life of an account follows from a model of it', {
  timeout: BUDGET_MS + GRACE_MS,
}, async () => {
  end = Date.now() + BUDGET_MS
  const verdict = await fc.check(
    fc.asyncProperty(life, async (steps) => {
      const setup = () => ({ model: { possible: [UNREGISTERED] }, real: newWorld() })
      await fc.asyncModelRun(setup, steps)
    }),
    { numRuns: 100_000, interruptAfterTimeLimit: BUDGET_MS, ...(seed !== null && { seed }) },
  )
  console.log(`${taken} steps, ${verdict.numRuns} lives`)
  if (verdict.counterexample !== null) {
    throw new Error(await fc.asyncDefaultReportMessage(verdict), { cause: verdict.errorInstance })
  }
  expect(taken).toBeGreaterThan(100)
})
