/**
 * `npm run bench:burst`: eight callers of `GET /api/users/me` beside 0, 1, 16 and 64 logins in flight, on
 * the deployed bundle in workerd. Prints the figures as tables, and fails if a goal is missed.
 *
 *     npm run bench:burst -- --seconds 3                of each phase, 8 by default
 *     npm run bench:burst -- --var BCRYPT_COST=11       variables of the Worker
 *     npm run bench:burst -- --compare ../elsewhere     another checkout's Worker first
 *     npm run bench:burst -- --log                      and all that the Worker logged
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { insertUsers } from './accounts.ts'
import { buildWorker, ROOT } from './build.ts'
import { startDependencies } from './dependencies.ts'
import { startLoad } from './load.ts'
import { BURST_ACCOUNTS, burstGoals, burstTable, measureBurst } from './measure/burst.ts'
import { goalTable, isMet } from './report/goals.ts'
import { serveWorker } from './workerd.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    var: { type: 'string', multiple: true, default: [] },
    compare: { type: 'string' },
    log: { type: 'boolean', default: false },
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
