import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runIn } from '../../tools/run.ts'

/** The folders of `src` whose code is mutated by Stryker. Their tests: `vitest.config.ts`. */
export const FOLDERS: readonly string[] = ['tokens', 'passwords', 'rate-limit']

/** From the root of the repository: Stryker works in a copy of it. */
const CONFIG = 'scripts/mutation/vitest.config.ts'
const OUTPUT = 'dist/mutation'

/** Stryker, installed when it is first used. */
const TOOLS = join(import.meta.dirname, '../../tools/mutation')

/** Milliseconds beyond the usual that the tests of a mutant may take: a gate that never opens. */
const TIMEOUT_MS = 30_000

type Report = { files: Record<string, { mutants: { status: string }[] }> }

/** Runs the mutants of one folder; the survivors are printed, and in an HTML report with their places. */
export async function mutateFolder(folder: string): Promise<{ killed: number; all: number }> {
  process.env['MUTATE'] = folder
  const report = join(OUTPUT, `${folder}.json`)
  const configuration = {
    mutate: [`src/${folder}/**/*.ts`],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: CONFIG, related: false },
    concurrency: 2,
    timeoutMS: TIMEOUT_MS,
    // Stryker would rewrite tsconfig.json by a function that TypeScript 7 no longer has.
    tsconfigFile: 'none',
    tempDirName: join(OUTPUT, 'sandbox'),
    ignorePatterns: ['dist', 'coverage', '.local', 'tools'],
    reporters: ['clear-text', 'html', 'json'],
    clearTextReporter: { reportTests: false, allowColor: false },
    htmlReporter: { fileName: join(OUTPUT, `${folder}.html`) },
    jsonReporter: { fileName: report },
  }
  await mkdir(OUTPUT, { recursive: true })
  const file = join(OUTPUT, `${folder}.stryker.json`)
  await writeFile(file, JSON.stringify(configuration))
  await rm(report, { force: true })
  runIn(TOOLS, 'stryker', 'run', file)
  const { files }: Report = JSON.parse(await readFile(report, 'utf8'))
  const mutants = Object.values(files).flatMap((each) => each.mutants)
  const killed = mutants.filter(({ status }) => status === 'Killed' || status === 'Timeout')
  return { killed: killed.length, all: mutants.length }
}
