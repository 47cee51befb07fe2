import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const ROOT = join(import.meta.dirname, '..')

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
