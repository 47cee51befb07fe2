// `npm run build`: the assets and the bundle that `wrangler deploy` would upload.
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { buildAssets } from './build-assets.ts'
import { CommandError, runCommand } from './command-line.ts'

const ROOT = join(import.meta.dirname, '..')
const WRANGLER = createRequire(import.meta.url).resolve('wrangler')
const BUILD_TIMEOUT_MS = 60_000

/** KiB after gzip. Cloudflare's limit is 3 MiB. This budget keeps cold starts short. */
export const SIZE_BUDGET_KIB = 185

export interface Bundle {
  /** The only module. */
  file: string
  /** After gzip, which is what Cloudflare's limit applies to. */
  sizeKib: number
}

/**
 * Bundles the Worker as `wrangler deploy` does. A relative `outDir` is relative to the repository.
 *
 * @throws {CommandError} with wrangler's output
 */
export async function buildBundle(outDir = 'dist/bundle'): Promise<Bundle> {
  const target = resolve(ROOT, outDir)
  await rm(target, { recursive: true, force: true })
  try {
    await promisify(execFile)(
      process.execPath,
      ['--no-warnings', WRANGLER, 'deploy', '--dry-run', '--env', '', '--outdir', target],
      {
        cwd: ROOT,
        env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
        timeout: BUILD_TIMEOUT_MS,
      },
    )
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new CommandError(`wrangler could not bundle the Worker:\n${output || String(error)}`)
  }
  const file = join(target, 'worker.js')
  return { file, sizeKib: gzipSync(await readFile(file)).length / 1024 }
}

async function main() {
  console.log(`Static assets written to ${await buildAssets()}`)
  const { file, sizeKib } = await buildBundle()
  console.log(
    `Bundle written to ${file}: ${sizeKib.toFixed(1)} KiB after gzip (budget: ${SIZE_BUDGET_KIB} KiB)`,
  )
  if (sizeKib > SIZE_BUDGET_KIB) {
    throw new CommandError(
      'The bundle exceeds its budget. Find out what was added (see dist/bundle/worker.js.map), and remove it or raise SIZE_BUDGET_KIB in scripts/build.ts.',
    )
  }
}

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run build',
      about:
        'Writes the assets and the bundle that `wrangler deploy` would upload to dist/, without uploading them.\nFails if the bundle exceeds its size budget.',
    },
    main,
  )
}
