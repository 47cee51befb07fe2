// `npm run adopt`: imports the accounts of the FastAPI service.
import { basename, dirname, join, resolve } from 'node:path'
import { readDecisions } from './adopt/decisions.ts'
import type { Counts } from './adopt/outcome.ts'
import { showProgress } from './adopt/progress.ts'
import { adopt } from './adopt/run.ts'
import { CommandError, runCommand } from './command-line.ts'

const DETAILS = `Without --apply it writes nothing but the report. The old database is read in one read-only transaction.
--from and --to may be the same database: see docs/migrating-from-fastapi.md.

The report has a line for each row, or several. What happens to it:
  import    is imported; a reason is for your information
  change    is imported, but the field gets the new value
  reject    is not imported: fix it in the old database, or decide
  update    was imported before, has changed in the old database since, and is updated here
  conflict  was imported before, and has changed in both: stays as it is here
  keep      was imported by a run that was killed, and has changed here: stays as it is here
  deleted   was imported before, and is no longer in the old database: stays here

Decide in the column "decision" of the report, and pass the file as --decisions, with another --report:
  skip, import, username=…, email=…, full_name=…, is_active=false

Interrupted at any moment, it goes on when it is run again. Set OLD_DATABASE_URL and DATABASE_URL instead of
--from and --to: passwords in arguments show in the list of processes.

Exit codes: 0 done; 1 not done; 2 the arguments are wrong; 3 done, but rows were rejected or are in conflict.`

const number = (value: number) => new Intl.NumberFormat('en-US').format(value)

const describe = (name: string, counts: Counts, isApplied: boolean) =>
  `${name}: ${[
    `${number(counts.imported)} ${isApplied ? 'imported' : 'to import'}`.concat(
      counts.changed > 0 ? ` (${number(counts.changed)} of them changed)` : '',
    ),
    `${number(counts.rejected)} rejected`,
    counts.updated > 0 && `${number(counts.updated)} ${isApplied ? 'updated' : 'to update'}`,
    counts.unchanged > 0 && `${number(counts.unchanged)} unchanged`,
    counts.conflicts > 0 && `${number(counts.conflicts)} in conflict`,
    counts.deleted > 0 && `${number(counts.deleted)} deleted in the old database`,
  ]
    .filter(Boolean)
    .join(', ')}`

/** What to do about the rows that need a decision. */
function nextStep(open: number, file: string, isApplied: boolean, isSince: boolean): string {
  const flags = [isSince || isApplied ? '--since' : '', isApplied ? '--apply' : ''].filter(Boolean)
  const next = join(dirname(file), `next-${basename(file)}`)
  const command = ['npm run adopt --', ...flags, '--decisions', file, '--report', next].join(' ')
  return `${number(open)} ${open === 1 ? 'row needs' : 'rows need'} a decision: see ${file}.
Fill in its column "decision" where the action is reject or conflict, then run: ${command}`
}

/** Ctrl-C, or a machine that shuts down. PostgreSQL ends what it was doing. */
function endOnSignal(isApplied: boolean): void {
  const consequence = isApplied
    ? 'What was imported stays: run this again to go on.'
    : 'Nothing was imported.'
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      console.error(`\nInterrupted. ${consequence}`)
      process.exit(code)
    })
  }
}

await runCommand(
  {
    name: 'npm run adopt',
    about: 'Imports the users and admins of the FastAPI service, with their ids and passwords.',
    options: {
      from: { type: 'string', value: '<url>', about: 'the old database' },
      to: { type: 'string', value: '<url>', about: 'the database of this service, migrated' },
      apply: { type: 'boolean', about: 'imports; without it, only the report is written' },
      since: { type: 'boolean', about: 'a second run: what has changed in the old database' },
      report: {
        type: 'string',
        value: '<file>',
        default: 'adopt-report.csv',
        about: 'where to write it',
      },
      decisions: { type: 'string', value: '<file>', about: 'a report with decisions filled in' },
      merge: { type: 'boolean', about: 'even if --to has accounts of its own' },
      schema: { type: 'string', value: '<name>', about: 'of the old tables, if not public' },
      json: { type: 'boolean', about: 'the outcome as JSON' },
    },
    details: DETAILS,
  },
  async ({ values }) => {
    const reportFile = values.report ?? ''
    const isApplied = values.apply === true
    if (values.decisions && resolve(values.decisions) === resolve(reportFile)) {
      throw new CommandError('--report would overwrite your decisions: name another file.', 2)
    }
    const isSince = values.since === true
    endOnSignal(isApplied)
    const outcome = await adopt({
      fromUrl: values.from ?? process.env['OLD_DATABASE_URL'],
      toUrl: values.to ?? process.env['DATABASE_URL'],
      schema: values.schema,
      ...{ isApplied, isSince, isMerged: values.merge === true, reportFile },
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
      console.log(
        [describe('Users', users, isApplied), describe('Admins', admins, isApplied)].join('\n'),
      )
      console.log(`Open reset links: ${number(resets)}`)
      for (const note of notes) console.log(note)
      console.log(
        `${isApplied ? 'Adopted and verified.' : 'Dry run: nothing was imported.'} ${
          open > 0 ? nextStep(open, reportFile, isApplied, isSince) : `The report is ${reportFile}.`
        }`,
      )
    }
    return open > 0 ? 3 : 0
  },
)
