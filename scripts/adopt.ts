// `npm run adopt`: imports the accounts of the FastAPI service.
import type pg from 'pg'
import { adviseCost } from './adopt/advice.ts'
import { connect, explain } from './adopt/connection.ts'
import { type Decisions, readDecisions } from './adopt/decisions.ts'
import { importChanges, importNew, raiseSequence } from './adopt/import.ts'
import {
  FORMER_SCHEMA,
  findFormerTables,
  isSameDatabase,
  moveFormerTables,
} from './adopt/in-place.ts'
import { type Counts, count, report } from './adopt/outcome.ts'
import { type Progress, showProgress } from './adopt/progress.ts'
import { openReport } from './adopt/report.ts'
import { importResets, reportResets, stageResets } from './adopt/resets.ts'
import { settle } from './adopt/settle.ts'
import { openSource, type Source } from './adopt/source.ts'
import { stageAccounts } from './adopt/stage.ts'
import { createTemporaryTables, tablesOf } from './adopt/tables.ts'
import {
  beginAdoption,
  completeAdoption,
  examineTarget,
  lockTarget,
  readAdoption,
  type Target,
} from './adopt/target.ts'
import { verifyReading, verifyWriting } from './adopt/verify.ts'
import { CommandError, runCommand } from './command-line.ts'

const DETAILS = `Without --apply it writes nothing but the report. The old database is read in one read-only transaction.
--from and --to may be the same database: see docs/migrating-from-fastapi.md.

The report has a line for each row, or several. What happens to it:
  import    is taken; with a reason: as it is, although this service would not accept it from a form
  change    is taken, but the field gets the new value
  reject    is not taken: fix it in the old database, or decide
  update    was adopted, has changed there since, and is changed here
  conflict  was adopted, and has changed in both: stays as it is here. The same for "keep"
  deleted   was adopted, and is not in the old database any more: stays here

Decide in the column "decision" of the report, and pass the file as --decisions:
  skip, import, username=…, email=…, full_name=…, is_active=false

Killed at any moment, it goes on when it is run again. Passwords in URLs show in the list of processes:
OLD_DATABASE_URL and DATABASE_URL stand for --from and --to.

Exit codes: 0 done; 1 not done; 2 the arguments are wrong; 3 done, but rows were rejected or are in conflict.`

type Options = {
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

type Outcome = {
  users: Counts
  admins: Counts
  resets: number
  notes: string[]
  bcryptCost?: number
}

async function adopt(options: Options): Promise<Outcome> {
  const to = await connect('--to', options.toUrl)
  const from = await connect('--from', options.fromUrl)
  try {
    await lockTarget(to)
    const { schema, target } = await prepare(from, to, options)
    const source = await openSource(from, schema)
    return await carryOver({ from, to }, source, target, options)
  } catch (error) {
    throw explain(error)
  } finally {
    // The server may be in the middle of a COPY.
    await Promise.race([
      Promise.allSettled([from.end(), to.end()]),
      new Promise((r) => setTimeout(r, 1_000)),
    ])
  }
}

/** Finds the old tables, makes room for those of this service, and rejects what can't be done. */
async function prepare(from: pg.Client, to: pg.Client, options: Options) {
  const { isApplied, isSince, isMerged, toUrl = '' } = options
  const isInPlace = await isSameDatabase(from, to)
  const former = await findFormerTables(to)
  const isInTheWay = former.isInTheWay
  if (isInTheWay && !isInPlace) {
    throw new CommandError(
      'The database of --to has the old tables where those of this service go. To adopt in place, pass the same URL as --from.',
    )
  }
  const hasMoved = former.hasMoved || (isInTheWay && isApplied)
  const schema = options.schema ?? (isInPlace && hasMoved ? FORMER_SCHEMA : 'public')
  if (isInTheWay && isApplied) await moveFormerTables(toUrl)
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
      `--to has ${ownAccounts} accounts of its own. Empty it; or pass --merge: they stay as they are, and the dry run shows what they are in the way of.`,
    )
  }
  return { schema, target }
}

type Connections = { from: pg.Client; to: pg.Client }

async function carryOver(
  { from, to }: Connections,
  source: Source,
  before: Target,
  { isApplied, decisions, reportFile, progress }: Options,
): Promise<Outcome> {
  if (isApplied) await beginAdoption(to)
  const target = isApplied ? { ...before, adoption: await readAdoption(to) } : before
  const isRepeat = Boolean(target.adoption?.completedAt)
  await createTemporaryTables(to)
  const { rows } = await to.query<{ now: string }>(
    `select date_trunc('second', now())::text as now`,
  )
  const now = target.adoption?.beganAt ?? rows[0]?.now ?? ''
  const { costs, decided } = await stageAccounts({ from, to, source, decisions, now, progress })
  const problems: string[] = []
  for (const table of source.tables)
    problems.push(...(await verifyReading(from, to, source, table)))
  await stageResets(from, to, source)
  const tables = tablesOf(target)
  const types = [tables.user, tables.admin]
  for (const each of types) await settle(to, each)
  if (isApplied && problems.length === 0) {
    for (const each of types) await raiseSequence(to, each, !isRepeat)
    for (const each of types) {
      await importNew(to, each, progress)
      await importChanges(to, each)
    }
    await importResets(to)
    for (const each of types) problems.push(...(await verifyWriting(to, each)))
    // So that the list of users is fast from the start.
    await to.query('vacuum (analyze) public.users, public.admins')
  }
  const output = await openReport(reportFile)
  for (const each of types) await report(to, each, isRepeat, output)
  const resets = await reportResets(to, output)
  await output.close()
  if (problems.length > 0) {
    throw new CommandError(
      `Not verified: ${problems.join('; ')}. Nothing is marked as complete; see ${reportFile}.`,
    )
  }
  const [users, admins] = [
    await count(to, tables.user, isRepeat),
    await count(to, tables.admin, isRepeat),
  ]
  if (isApplied) await completeAdoption(to)
  const advice = adviseCost(costs)
  return {
    ...{ users, admins, resets },
    ...(advice && { bcryptCost: advice.cost }),
    notes: notesOf(),
  }

  function notesOf(): string[] {
    const unused = [...decisions.keys()].filter((key) => !decided.has(key))
    return [
      ...source.tables
        .filter(({ ignored }) => ignored.length > 0)
        .map(
          ({ name, ignored }) => `${name} has columns that are left behind: ${ignored.join(', ')}.`,
        ),
      ...(unused.length > 0
        ? [`There are no rows for the decisions on ${unused.join(', ')}.`]
        : []),
      'Whose password has more than 72 bytes must reset it; a hash does not show its length.',
      ...(advice ? [advice.text] : []),
    ]
  }
}

const number = (value: number) => new Intl.NumberFormat('en-US').format(value)

const describe = (name: string, counts: Counts) =>
  `${name}: ${[
    `${number(counts.imported)} imported (${number(counts.changed)} of them changed)`,
    `${number(counts.rejected)} rejected`,
    counts.updated > 0 && `${number(counts.updated)} updated`,
    counts.unchanged > 0 && `${number(counts.unchanged)} unchanged`,
    counts.conflicts > 0 && `${number(counts.conflicts)} in conflict`,
    counts.deleted > 0 && `${number(counts.deleted)} deleted in the old database`,
  ]
    .filter(Boolean)
    .join(', ')}`

await runCommand(
  {
    name: 'npm run adopt',
    about: 'Imports the users and admins of the FastAPI service, with their ids and passwords.',
    options: {
      from: { type: 'string', value: '<url>', about: 'the old database' },
      to: { type: 'string', value: '<url>', about: 'the database of this service, migrated' },
      apply: { type: 'boolean', about: 'imports; without it, only the report is written' },
      since: { type: 'boolean', about: 'once more: what has changed in the old database since' },
      report: { type: 'string', value: '<file>', default: 'adopt-report.csv', about: 'where to' },
      decisions: { type: 'string', value: '<file>', about: 'a report with decisions filled in' },
      merge: { type: 'boolean', about: 'although --to has accounts of its own' },
      schema: { type: 'string', value: '<name>', about: 'of the old tables, if not public' },
      json: { type: 'boolean', about: 'the outcome as JSON' },
    },
    details: DETAILS,
  },
  async ({ values }) => {
    const reportFile = values.report ?? ''
    const isApplied = values.apply === true
    const outcome = await adopt({
      fromUrl: values.from ?? process.env['OLD_DATABASE_URL'],
      toUrl: values.to ?? process.env['DATABASE_URL'],
      schema: values.schema,
      ...{ isApplied, isSince: values.since === true, isMerged: values.merge === true, reportFile },
      decisions: values.decisions ? await readDecisions(values.decisions) : new Map(),
      progress: showProgress(process.stderr),
    })
    const { users, admins, resets, notes } = outcome
    const open = [users, admins].reduce(
      (sum, { undecided, conflicts }) => sum + undecided + conflicts,
      0,
    )
    if (values.json) {
      console.log(JSON.stringify({ applied: isApplied, report: reportFile, open, ...outcome }))
    } else {
      console.log([describe('Users', users), describe('Admins', admins)].join('\n'))
      console.log(`Open reset links: ${number(resets)}`)
      for (const note of notes) console.log(note)
      console.log(
        `${isApplied ? 'Adopted and verified.' : 'Dry run: nothing was imported.'} ${
          open > 0
            ? `${number(open)} rows need a decision: see ${reportFile}.`
            : `The report is ${reportFile}.`
        }`,
      )
    }
    return open > 0 ? 3 : 0
  },
)
