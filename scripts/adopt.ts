// `npm run adopt`: imports the accounts of the FastAPI service.
import { resolve } from 'node:path'
import { readDecisions } from './adopt/decisions.ts'
import type { Counts } from './adopt/outcome.ts'
import { showProgress } from './adopt/progress.ts'
import { adopt } from './adopt/run.ts'
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

Decide in the column "decision" of the report, and pass the file as --decisions, with another --report:
  skip, import, username=…, email=…, full_name=…, is_active=false

Killed at any moment, it goes on when it is run again. Passwords in URLs show in the list of processes:
OLD_DATABASE_URL and DATABASE_URL stand for --from and --to.

Exit codes: 0 done; 1 not done; 2 the arguments are wrong; 3 done, but rows were rejected or are in conflict.`

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
    if (values.decisions && resolve(values.decisions) === resolve(reportFile)) {
      throw new CommandError('--report would overwrite your decisions: name another file.', 2)
    }
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
