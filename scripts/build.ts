/**
 * `npm run build`: the assets and the bundle as `wrangler deploy` would send them, in dist/. Nothing
 * is sent. Fails when the bundle is over its budget.
 */
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { buildAssets } from './build-assets.ts'

const ROOT = join(import.meta.dirname, '..')
const WRANGLER = createRequire(import.meta.url).resolve('wrangler')
const BUILD_LIMIT_MS = 60_000

/** KiB after gzip. Cloudflare's own limit is 3 MiB: this one keeps cold starts short. */
export const SIZE_BUDGET_KIB = 180

export interface Bundle {
  /** The one module that is sent. */
  file: string
  /** After gzip, as Cloudflare counts. */
  sizeKib: number
}

/**
 * Bundles the Worker as `wrangler deploy` does; a relative `outDir` counts from the repository.
 *
 * @throws Error with wrangler's own words
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
        timeout: BUILD_LIMIT_MS,
      },
    )
  } catch (error) {
    const told = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(`wrangler could not bundle the Worker:\n${told || String(error)}`)
  }
  const file = join(target, 'worker.js')
  return { file, sizeKib: gzipSync(await readFile(file)).length / 1024 }
}

async function main() {
  console.log(`Static assets written to ${await buildAssets()}`)
  const { file, sizeKib } = await buildBundle()
  console.log(
    `Bundle written to ${file}: ${sizeKib.toFixed(1)} KiB after gzip, of ${SIZE_BUDGET_KIB} KiB`,
  )
  if (sizeKib > SIZE_BUDGET_KIB) {
    throw new Error(
      'The bundle is over its budget. See what came in (dist/bundle/worker.js.map tells), and leave it out or raise SIZE_BUDGET_KIB in scripts/build.ts.',
    )
  }
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
