// `npm run bench:burst`: callers of `GET /api/users/me` beside logins in flight.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandLine } from '../scripts/command-line.ts'
import { insertUsers } from './accounts.ts'
import { buildWorker, ROOT } from './build.ts'
import { startDependencies } from './dependencies.ts'
import { startLoad } from './load.ts'
import { BURST_ACCOUNTS, burstGoals, burstTable, measureBurst } from './measure/burst.ts'
import { goalTable, isMet } from './report/goals.ts'
import { serveWorker } from './workerd.ts'

const { values } = readCommandLine({
  name: 'npm run bench:burst',
  about: `Eight callers of \`GET /api/users/me\` beside 0, 1, 16 and 64 logins in flight, on the deployed bundle in
workerd. Prints the figures as tables, and fails if a goal is missed.`,
  options: {
    seconds: { type: 'string', value: '<n>', least: 1, default: '8', about: 'of each phase' },
    var: {
      ...{ type: 'string', multiple: true, default: [] },
      ...{ value: '<NAME=value>', about: 'a variable of the Worker, such as BCRYPT_COST=11' },
    },
    compare: { type: 'string', value: '<folder>', about: 'the Worker of another checkout first' },
    log: { type: 'boolean', default: false, about: 'all that the Worker logged, too' },
  },
})

const assignments = values.var.map((each) => {
  const [name = '', ...value] = each.split('=')
  return [name, value.join('=')] as const
})

const folder = await mkdtemp(join(tmpdir(), 'burst-'))
const dependencies = await startDependencies()
const load = startLoad()
const variables = {
  ...dependencies.variables,
  LOG_LEVEL: 'warn',
  ...Object.fromEntries(assignments),
}

async function measure(checkout: string, prefix: string) {
  const script = await buildWorker(join(folder, prefix), checkout)
  await insertUsers(dependencies.database, prefix, BURST_ACCOUNTS)
  const worker = await serveWorker({
    ...{ script, variables, wranglerConfig: join(checkout, 'wrangler.toml') },
  })
  try {
    const phases = await measureBurst({
      ...{ worker, load, prefix, seconds: Number(values.seconds) },
      onLog: (lines) => values.log && console.log(lines.join('\n')),
    })
    const goals = burstGoals(phases)
    console.log(`\n${checkout} (milliseconds)\n\n${burstTable(phases)}\n\n${goalTable(goals)}`)
    return goals.every(isMet)
  } finally {
    await worker.stop()
  }
}

try {
  if (values.compare) await measure(values.compare, 'compared')
  if (!(await measure(ROOT, 'burst'))) process.exitCode = 1
} finally {
  await load.stop()
  await dependencies.stop()
  await rm(folder, { recursive: true, force: true })
}
