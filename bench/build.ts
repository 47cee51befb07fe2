import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

export const ROOT = join(import.meta.dirname, '..')

const WRANGLER = createRequire(import.meta.url).resolve('wrangler')

export const FLOOR_CONFIG = join(import.meta.dirname, 'floor/wrangler.toml')

const BUILD = `
  const { buildBundle } = await import('./scripts/build.ts')
  const { buildAssets } = await import('./scripts/build-assets.ts')
  await buildAssets()
  console.log((await buildBundle(process.argv[1])).file)`

/**
 * Bundles the Worker of a checkout of this repository, as `wrangler deploy` would upload it, and builds
 * its assets. In a process of its own, because another checkout has scripts of its own.
 *
 * @returns the path of the script
 */
export async function buildWorker(folder: string, checkout = ROOT): Promise<string> {
  const args = ['--no-warnings', '--input-type=module', '--eval', BUILD, folder]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: checkout })
  return stdout.trim()
}

/** Bundles `floor/bare.ts` or `floor/empty.ts` in the same way. */
export async function buildFloor(folder: string, name: 'bare' | 'empty'): Promise<string> {
  const entry = join(import.meta.dirname, `floor/${name}.ts`)
  const options = ['--dry-run', '--config', FLOOR_CONFIG, '--outdir', folder]
  const args = ['--no-warnings', WRANGLER, 'deploy', entry, ...options]
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' }
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env })
  return join(folder, `${name}.js`)
}

/** What a script weighs when it is uploaded. */
export const gzipKib = async (script: string) => gzipSync(await readFile(script)).length / 1024
