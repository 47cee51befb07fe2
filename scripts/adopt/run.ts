/** An adoption from beginning to end. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { CommandError } from '../command-line.ts'
import { adviseCost } from './advice.ts'
import { connect, explain } from './connection.ts'
import type { Decisions } from './decisions.ts'
import { importChanges, importNew, raiseSequence } from './import.ts'
import { FORMER_SCHEMA, findFormerTables, isSameDatabase, moveFormerTables } from './in-place.ts'
import { type Counts, count, lacksSuperadmin, report } from './outcome.ts'
import type { Progress } from './progress.ts'
import { openReport } from './report.ts'
import { importResets, reportResets, stageResets, verifyResets } from './resets.ts'
import { settle } from './settle.ts'
import { openSource, type Source } from './source.ts'
import { stageAccounts } from './stage.ts'
import { createTemporaryTables, tablesOf } from './tables.ts'
import {
  beginAdoption,
  completeAdoption,
  examineTarget,
  lockTarget,
  type Target,
} from './target.ts'
import { verifyReading, verifyWriting } from './verify.ts'

export type Options = {
  fromUrl: string | undefined
  toUrl: string | undefined
  schema: string | undefined
  isApplied: boolean
  isSince: boolean
  isMerged: boolean
  reportFile: string
  decisions: Decisions
  progress: Progress
}

/** What it came to, and what else to say about it. */
export type Outcome = {
  users: Counts
  admins: Counts
  resets: number
  notes: string[]
  bcryptCost?: number
}

/** The process ends anyway, and with it what PostgreSQL was still doing. */
const END_TIMEOUT_MS = 1_000

/** @throws {CommandError} with why it was not done, and what to do */
export async function adopt(options: Options): Promise<Outcome> {
  const to = await connect('--to (DATABASE_URL)', options.toUrl)
  const from = await connect('--from (OLD_DATABASE_URL)', options.fromUrl)
  try {
    await lockTarget(to)
    const { schema, target } = await prepare(from, to, options)
    const source = await openSource(from, schema)
    return await carryOver({ from, to }, source, target, options)
  } catch (error) {
    throw explain(error)
  } finally {
    // The server may be in the middle of a COPY.
    await Promise.race([Promise.allSettled([from.end(), to.end()]), sleep(END_TIMEOUT_MS)])
  }
}

/** Finds the old tables, makes room for those of this service, and rejects what can't be done. */
async function prepare(from: pg.Client, to: pg.Client, options: Options) {
  const { isApplied, isSince, isMerged, toUrl = '' } = options
  const isInPlace = await isSameDatabase(from, to)
  const { hasMoved, isInTheWay } = await findFormerTables(to)
  if (isInTheWay && !isInPlace) {
    throw new CommandError(
      'The database of --to has the old tables. Are --from and --to the wrong way round? To adopt in place, pass its URL as both.',
    )
  }
  if (isInTheWay && isApplied) await moveFormerTables(toUrl)
  const isMoved = isInPlace && (hasMoved || (isInTheWay && isApplied))
  const schema = options.schema ?? (isMoved ? FORMER_SCHEMA : 'public')
  if (isInTheWay && !isApplied) {
    const target: Target = { isMigrated: false, adoption: undefined, ownAccounts: 0 }
    return { schema, target }
  }
  const target = await examineTarget(to, toUrl)
  const { adoption, ownAccounts } = target
  if (isSince && !adoption) {
    throw new CommandError('Nothing was adopted into --to yet, so leave out --since.', 2)
  }
  if (adoption?.completedAt && !isSince) {
    throw new CommandError(
      `--to was adopted on ${adoption.completedAt.slice(0, 16)} UTC. Pass --since to adopt what has changed since.`,
      2,
    )
  }
  if (isApplied && !adoption && ownAccounts > 0 && !isMerged) {
    throw new CommandError(
      `--to has accounts of its own (${ownAccounts}). Use an empty database; or pass --merge: they stay as they are, and the report shows the old rows that they are in the way of.`,
    )
  }
  return { schema, target }
}

type Connections = { from: pg.Client; to: pg.Client }

async function carryOver(
  { from, to }: Connections,
  source: Source,
  before: Target,
  { isApplied, decisions: decidedNow, reportFile, progress }: Options,
): Promise<Outcome> {
  const output = await openReport(reportFile)
  const target = isApplied ? { ...before, adoption: await beginAdoption(to, decidedNow) } : before
  const decisions = new Map([...(target.adoption?.decisions ?? []), ...decidedNow])
  const isRepeat = Boolean(target.adoption?.completedAt)
  await createTemporaryTables(to)
  const now = target.adoption?.beganAt ?? (await clockOf(to))
  const { costs, decided } = await stageAccounts({ from, to, source, decisions, now, progress })
  const problems: string[] = []
  for (const each of source.tables) problems.push(...(await verifyReading(from, to, source, each)))
  await stageResets(from, to, source)
  const { user, admin } = tablesOf(target)
  const types = [user, admin]
  for (const each of types) await settle(to, each)
  if (isApplied && problems.length === 0) {
    for (const each of types) await raiseSequence(to, each, !isRepeat)
    for (const each of types) {
      // First, as a new account may have the name that another gave up.
      await importChanges(to, each)
      await importNew(to, each, progress)
    }
    await importResets(to)
    for (const each of types) problems.push(...(await verifyWriting(to, each)))
    problems.push(...(await verifyResets(to)))
    // So that the list of users is fast from the start.
    await to.query('vacuum (analyze) public.users, public.admins')
  }
  for (const each of types) await report(to, each, isRepeat, output)
  const resets = await reportResets(to, output)
  await output.close()
  if (problems.length > 0) {
    throw new CommandError(
      `Not verified: ${problems.join('; ')}. Nothing is marked as complete; see ${reportFile}.`,
    )
  }
  const users = await count(to, user, isRepeat)
  const admins = await count(to, admin, isRepeat)
  if (isApplied) {
    const written = ({ imported, updated }: Counts) => imported + updated
    await completeAdoption(to, { users: written(users), admins: written(admins) })
  }
  const advice = adviseCost(costs)
  const notes = [
    ...notesOn(source),
    ...notesOnDecisions([...decidedNow.keys()].filter((key) => !decided.has(key))),
    'Users whose password has more than 72 bytes must reset it. The hashes do not show who they are.',
    (await lacksSuperadmin(to, admin)) &&
      'No admin is a superadmin. Appoint one: npm run admin -- promote <id|email>',
    advice?.text,
  ]
  return {
    ...{ users, admins, resets },
    ...(advice && { bcryptCost: advice.cost }),
    notes: notes.filter((note) => typeof note === 'string'),
  }
}

/** The time there, as PostgreSQL writes it in UTC. */
async function clockOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query(`select date_trunc('second', now())::text as now`)
  return rows[0].now
}

/** What of the old database is left behind. */
function notesOn({ tables, missingOfResets = [] }: Source): string[] {
  const left = tables.filter(({ ignored }) => ignored.length > 0)
  return [
    ...left.map(
      ({ name, ignored }) => `${name} has columns that are left behind: ${ignored.join(', ')}.`,
    ),
    ...(missingOfResets.length > 0
      ? [
          `Open reset links are left behind: password_reset_tokens has no ${missingOfResets.join(', ')}.`,
        ]
      : []),
  ]
}

const notesOnDecisions = (unused: string[]) =>
  unused.length > 0 ? [`There are no rows for the decisions on ${unused.join(', ')}.`] : []
