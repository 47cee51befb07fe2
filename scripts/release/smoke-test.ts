import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** A program and its arguments. It exits with 0 if the service is sound. */
export type SmokeTest = readonly [program: string, ...args: string[]]

export const smokeTestOf = (url: string): SmokeTest => [
  'npm',
  'run',
  '--silent',
  'smoke',
  '--',
  '--url',
  url,
]

/** Runs the test, which prints what it finds. */
export const isSound = ([program, ...args]: SmokeTest): boolean =>
  spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' }).status === 0
