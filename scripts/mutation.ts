// `npm run mutation`: does a test fail for every mistake the code could contain?
import { runCommand } from './command-line.ts'
import { FOLDERS, mutateFolder } from './mutation/folders.ts'
import { mutateStatements } from './mutation/statements.ts'

/** The least share of mutants that must not survive. */
const GOAL = 0.85

const PARTS: readonly string[] = [...FOLDERS, 'statements']

await runCommand(
  {
    name: 'npm run mutation',
    about: `Makes one mistake after the other in the code and runs its tests: a mutant that none fails for survives.
Fails if less than ${GOAL * 100} % are killed. What survives is in dist/mutation/.`,
    operands: { usage: '[<part> …]', most: PARTS.length, among: PARTS },
    options: {
      only: {
        type: 'string',
        value: '<text>',
        default: '',
        about: 'statements with this in their name',
      },
      sample: {
        type: 'string',
        value: '<n>',
        least: 1,
        about: 'so many mutants of statements, at random',
      },
      seed: { type: 'string', value: '<n>', least: 0, default: '1', about: 'which ones these are' },
      list: { type: 'boolean', about: 'prints the mutants of statements, and runs none' },
    },
    details: `Parts: ${FOLDERS.map((folder) => `${folder} (src/${folder})`).join(', ')}, statements (the SQL of src/db).
All take some hours.

  npm run mutation -- tokens
  npm run mutation -- statements --only sessions --sample 100 --seed 7`,
  },
  async ({ values: { only, sample, seed, list = false }, positionals }) => {
    const selection = {
      ...{ only, list, seed: Number(seed) },
      sample: Number(sample ?? Number.POSITIVE_INFINITY),
    }
    let isReached = true
    for (const part of positionals.length > 0 ? positionals : PARTS) {
      const { killed, all } =
        part === 'statements' ? await mutateStatements(selection) : await mutateFolder(part)
      if (all === 0) continue
      console.log(`${part}: ${killed} of ${all} killed, ${((100 * killed) / all).toFixed(1)} %`)
      isReached &&= killed / all >= GOAL
    }
    return isReached ? 0 : 1
  },
)
