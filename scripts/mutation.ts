/**
 * `npm run mutation`: does a test fail for every mistake the code could contain?
 *
 *     npm run mutation                            all, in some hours
 *     npm run mutation -- tokens                  src/tokens alone; also passwords, rate-limit
 *     npm run mutation -- statements              the SQL of src/db, one mistake at a time
 *     npm run mutation -- statements --only sessions --sample 100 --seed 7
 *     npm run mutation -- statements --list       what would be run
 *
 * What survives is in dist/mutation/. Fails if less than 85 % is killed.
 */
import { parseArgs } from 'node:util'
import { FOLDERS, mutateFolder } from './mutation/folders.ts'
import { mutateStatements } from './mutation/statements.ts'

/** The least share of mutants that must not survive. */
const GOAL = 0.85

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    sample: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
  },
})

const parts: readonly string[] = positionals.length > 0 ? positionals : [...FOLDERS, 'statements']
const unknown = parts.filter((part) => part !== 'statements' && !FOLDERS.includes(part))
if (unknown.length > 0) throw new TypeError(`Unknown: ${unknown.join(', ')}`)

const { only, list } = values
const options = { only, list, sample: Number(values.sample), seed: Number(values.seed) }
for (const part of parts) {
  const { killed, all } =
    part === 'statements' ? await mutateStatements(options) : await mutateFolder(part)
  if (all === 0) continue
  console.log(`${part}: ${killed} of ${all} killed, ${((100 * killed) / all).toFixed(1)} %`)
  if (killed / all < GOAL) process.exitCode = 1
}
