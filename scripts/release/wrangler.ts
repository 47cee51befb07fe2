/** Runs wrangler on this repository. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { CommandError } from '../command-line.ts'

const ROOT = join(import.meta.dirname, '../..')
const WRANGLER = createRequire(import.meta.url).resolve('wrangler')

/** A Worker that was never deployed, and one that only has secrets. */
const NO_DEPLOYMENT = /\[code: 100(07|90)\]|has no deployments/

/** A version, and the share of requests that it gets. */
export type Share = { version_id: string; percentage: number }

type Outcome = { code: number | null; stdout: string; stderr: string }

async function run(args: string[], print: boolean): Promise<Outcome> {
  const child = spawn(process.execPath, ['--no-warnings', WRANGLER, ...args], {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const outcome: Outcome = { code: null, stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      outcome[name] += text
      if (print) process[name].write(text)
    })
  }
  const [code] = await once(child, 'close')
  return { ...outcome, code }
}

/** Runs a command of wrangler, which prints. @throws {CommandError} unless it exits with 0 */
export async function wrangler(...args: string[]): Promise<void> {
  const { code } = await run(args, true)
  if (code !== 0)
    throw new CommandError(`wrangler ${args.slice(0, 2).join(' ')} exited with ${code}.`)
}

/** @throws {CommandError} unless it is deleted, or was not there */
export async function deleteWorker(name: string): Promise<void> {
  const { code, stdout, stderr } = await run(['delete', '--name', name, '--force'], false)
  if (code === 0) return console.log(`Deleted the Worker ${name}.`)
  if (!NO_DEPLOYMENT.test(stdout + stderr)) throw new CommandError(`${stdout}${stderr}`)
}

/**
 * What serves requests now, empty if nothing does.
 *
 * @throws {CommandError} with wrangler's output if Cloudflare does not tell
 */
export async function readDeployment(environment: string): Promise<Share[]> {
  const args = ['deployments', 'status', '--json', '--env', environment]
  const { code, stdout, stderr } = await run(args, false)
  if (code === 0) {
    const { versions }: { versions: Share[] } = JSON.parse(stdout)
    return versions.map(({ version_id, percentage }) => ({ version_id, percentage }))
  }
  if (NO_DEPLOYMENT.test(stdout + stderr)) return []
  throw new CommandError(
    `${stdout}${stderr}\nwrangler can't say what is deployed. Nothing was changed.`,
  )
}
