import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { createVitest, type TestModule } from 'vitest/node'
import { startTemporaryPostgres } from '../../local/postgres/index.ts'
import { findStatements } from '../explain.ts'
import { applyMigrations } from '../migrate.ts'
import type { Replacements } from './context.ts'
import { mutantsOf } from './sql-mutants.ts'

const CONFIG = join(import.meta.dirname, 'vitest.config.ts')
const REPORT = join(import.meta.dirname, '../../dist/mutation/statements.txt')

/** Test files that run first. Most mutants are killed there, so that starting all the others is in vain. */
const FIRST = 4

/** One mistake. A fragment that is part of several statements has it in all of them, as in the source. */
type Mutant = { name: string; change: string; replacements: Replacements }

/** The tests that failed. None: the mutant survived. */
type Killers = readonly string[]

type Selection = {
  /** Part of the name of a statement. */
  only: string
  /** So many of them, chosen at random by the seed. */
  sample: number
  seed: number
  /** Prints them, and runs none. */
  list: boolean
}

/** Runs the mutants of the statements, each until a test fails; survivors are also in a file. */
export async function mutateStatements({ only, sample, seed, list }: Selection) {
  const all = (await parsedMutants()).filter(({ name }) => name.includes(only))
  const mutants = chosen(all, sample, seed)
  if (list) {
    console.log(mutants.map(lineOf).join('\n'))
    return { killed: 0, all: 0 }
  }
  console.log(`${mutants.length} of ${all.length} mutants.`)

  const runner = await createRunner()
  const lines: string[] = []
  let done = 0
  try {
    for (const mutant of mutants) {
      const [killer] = await runner.run(mutant)
      done++
      console.log(`${done}/${mutants.length} ${lineOf(mutant)}\n    ${killer ?? 'SURVIVED'}`)
      if (killer === undefined) lines.push(lineOf(mutant))
    }
  } finally {
    await runner.close()
  }
  await mkdir(dirname(REPORT), { recursive: true })
  await writeFile(REPORT, `${lines.toSorted().join('\n')}\n`)
  return { killed: mutants.length - lines.length, all: mutants.length }
}

const lineOf = ({ name, change }: Mutant) => `${name}: ${change}`

/** The mutants that PostgreSQL parses. The others would fail whatever the tests are. */
async function parsedMutants(): Promise<Mutant[]> {
  const postgres = await startTemporaryPostgres({ database: 'mutants' })
  await applyMigrations(postgres.url)
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const parses = async (text: string) => {
    try {
      await client.query(`prepare mutant as ${text}`)
      await client.query('deallocate mutant')
      return true
    } catch {
      return false
    }
  }
  const mutants = new Map<string, Mutant>()
  for (const [name, { text }] of await findStatements()) {
    for (const mutant of mutantsOf(text)) {
      if (!(await parses(mutant.text))) continue
      const place = placeOf(name, mutant.change)
      const { replacements, ...first } = mutants.get(place) ?? { name, change: mutant.change }
      mutants.set(place, { ...first, replacements: { ...replacements, [text]: mutant.text } })
    }
  }
  await client.end()
  await postgres.stop()
  return [...mutants.values()]
}

/** Statements for users and admins are made from one template, those for each order of a list too. */
function placeOf(name: string, change: string): string {
  const place = change.replaceAll(/user|admin/g, 'account')
  return name.startsWith('user-') ? place.replaceAll(/username|email/g, 'column') : place
}

/**
 * Before each run: what a mutant left must not kill the next one. Sessions and resets go with their accounts.
 * The audit trail can't be emptied; ids go on, so that its lines stay those of other accounts.
 */
const EMPTIED = `
  truncate users, admins, attempts, outbox cascade;
  update user_totals set total = 0;
  update deleted_user_totals set total = 0`

/** Runs of the tests that a statement takes part in. */
async function createRunner() {
  process.env['MUTATE'] = 'db'
  const silent = { reporters: [{}], watch: false }
  const vitest = await createVitest('test', { config: CONFIG, ...silent })
  await vitest.standalone()
  const specifications = await vitest.globTestSpecifications()

  async function run(replacements: Replacements, files: readonly string[]) {
    vitest.provide('replacements', replacements)
    vitest.state.filesMap.clear()
    const chosen = specifications.filter(({ moduleId }) => files.includes(moduleId))
    const { testModules } = await vitest.runTestSpecifications(chosen)
    return testModules
  }

  const everyFile = specifications.map(({ moduleId }) => moduleId)
  vitest.config.bail = 0
  const modules = await run({}, everyFile)
  const failed = modules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId)
  if (failed.length > 0)
    console.warn(`Left out, as they fail without a mutant: ${failed.join(', ')}`)
  // The fewer statements a test file runs, the more it is about each of them.
  const passed = modules
    .filter((module) => module.ok())
    .map((module) => ({ file: module.moduleId, ran: ranBy(module) }))
    .toSorted((a, b) => a.ran.length - b.ran.length)
  vitest.config.bail = 1

  const { DATABASE_URL: url } = vitest.getRootProject().getProvidedContext().world.bindings
  const client = new pg.Client({ connectionString: url })
  await client.connect()

  return {
    async run({ replacements }: Mutant): Promise<Killers> {
      const files = passed
        .filter(({ ran }) => ran.some((text) => text in replacements))
        .map(({ file }) => file)
      for (const some of [files.slice(0, FIRST), files.slice(FIRST)]) {
        await client.query(EMPTIED)
        const modules = some.length > 0 ? await run(replacements, some) : []
        const killers = modules.flatMap(failuresIn)
        if (killers.length > 0) return killers
      }
      return []
    },
    async close() {
      await client.end()
      await vitest.close()
    },
  }
}

function failuresIn(module: TestModule): Killers {
  const tests = [...module.children.allTests('failed')].map(({ fullName }) => fullName)
  return module.ok() || tests.length > 0 ? tests : [`${module.relativeModuleId} as a whole`]
}

/** The texts of the statements that a test file ran: its `setup.ts` says so. */
const ranBy = (module: TestModule): readonly string[] =>
  (module.meta() as { ran?: string[] }).ran ?? []

/** `size` of them, at random: the same for the same seed (a linear congruential generator of Knuth's). */
function chosen<Item>(items: readonly Item[], size: number, seed: number): Item[] {
  let state = BigInt(seed)
  const random = () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n)
    return Number(state >> 32n)
  }
  const keyed = items.map((item) => ({ item, key: random() }))
  return keyed
    .toSorted((a, b) => a.key - b.key)
    .slice(0, size)
    .map(({ item }) => item)
}
