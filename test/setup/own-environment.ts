/**
 * Isolates tests from the developer's environment: neither the shell's variables nor `.dev.vars`
 * reach the Worker or a program that a test starts.
 */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Paths, terminal settings, and options of the test run itself. */
const KEPT =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CI|GITHUB_ACTIONS|CHROMIUM_PATH|FUZZ_SECONDS|FUZZ_SEED)$/

const OFFLINE = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
}

export function clearEnvironment(): void {
  for (const name of Object.keys(process.env)) if (!KEPT.test(name)) delete process.env[name]
  Object.assign(process.env, OFFLINE)
}

/** What workerd prints about a connection that a test broke, even if the Worker handled the error. */
const BROKEN_CONNECTION =
  /^(uncaught exception; .*Network connection lost\.|exception = [\w/.]+:\d+: disconnected: )/

/** Drops these lines of workerd, hundreds in a run, and nothing else. */
export function dropBrokenConnectionNotes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream)
    stream.write = (chunk: string | Uint8Array, ...rest: never[]) =>
      typeof chunk === 'string' && BROKEN_CONNECTION.test(chunk) ? true : write(chunk, ...rest)
  }
}

const ROOT = join(import.meta.dirname, '../..')

/** In the cloud the queue waits a second for more messages. Tests would wait for each email. */
const QUEUE_WAIT = /^max_batch_timeout = \d+$/gm

/** Settings of wrangler.toml that name a file or folder of the repository. */
const RELATIVE_PATH = /"(?:\.\/)?((?:functions|src|dist)\/[^"]*)"/g

/**
 * Copies wrangler.toml to an empty folder, because wrangler reads the `.dev.vars` and `.env` files
 * next to its configuration.
 */
export async function copyWranglerConfig(): Promise<{ folder: string; configPath: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'wrangler-'))
  const configPath = join(folder, 'wrangler.toml')
  const original = await readFile(join(ROOT, 'wrangler.toml'), 'utf8')
  const text = original
    .replace(RELATIVE_PATH, (_, path: string) => JSON.stringify(join(ROOT, path)))
    .replace(QUEUE_WAIT, 'max_batch_timeout = 0')
  const relative = text.match(/"\.\.?\/[^"]*"/)
  if (relative)
    throw new Error(`wrangler.toml contains ${relative[0]}, which RELATIVE_PATH does not match`)
  await writeFile(configPath, text)
  return { folder, configPath }
}
