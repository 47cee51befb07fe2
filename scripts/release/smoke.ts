/** The smoke test of what was deployed. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '../..')

/** A deployment, or a new host, is everywhere in seconds. Earlier, what was there before would be tested. */
const SETTLE_MS = 15_000

/** A program that exits with 0 if the service is sound. */
export type Smoke = readonly [program: string, ...args: string[]]

export const smokeOf = (url: string): Smoke => ['npm', 'run', '-s', 'smoke', '--', '--url', url]

/** @returns whether the test passes, at the first or second attempt */
export async function isSound([program, ...args]: Smoke, settleMs = SETTLE_MS): Promise<boolean> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    await sleep(settleMs)
    if (spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' }).status === 0) return true
    console.error(`The smoke test failed (${attempt} of 2).`)
  }
  return false
}
