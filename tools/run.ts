/**
 * `node tools/run.ts PROGRAM [ARGUMENTS]`: runs a program of this folder from the root of the repository.
 * It installs the folder first, unless that has been done: a newcomer needs none of it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const TOOLS = import.meta.dirname
const ROOT = join(TOOLS, '..')

/** @throws Error when it exits with anything but 0 */
export function run(program: string, ...args: string[]): void {
  runIn(TOOLS, program, ...args)
}

/** The same with a program of `folder`, which has a lock file of its own. */
export function runIn(folder: string, program: string, ...args: string[]): void {
  if (!isInstalled(folder)) start('npm', ['ci', '--prefix', folder])
  start(join(folder, 'node_modules/.bin', program), args)
}

function start(program: string, args: string[]): void {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) throw error ?? new Error(`${[program, ...args].join(' ')}: exit ${status}`)
}

/** npm leaves a copy of the lock file behind, less the root and what is not for this platform. */
function isInstalled(folder: string): boolean {
  const packages = (file: string) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')).packages as Record<string, Package>
  try {
    const installed = packages('node_modules/.package-lock.json')
    return Object.entries(packages('package-lock.json')).every(
      ([path, { version, optional }]) =>
        path === '' || optional || installed[path]?.version === version,
    )
  } catch {
    return false
  }
}

type Package = { version: string; optional?: boolean }

if (import.meta.main) {
  const [program, ...args] = process.argv.slice(2)
  try {
    if (!program) throw new Error('Usage: node tools/run.ts PROGRAM [ARGUMENTS]')
    run(program, ...args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
