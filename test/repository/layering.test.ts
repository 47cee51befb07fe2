import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

/** What a layer may import. They stand from the top down, and an import never goes up. */
const MAY_IMPORT = {
  functions: ['app', 'mail', 'maintenance', 'resources'],
  app: ['routes', 'middleware', 'errors'],
  maintenance: ['resources', 'env', 'log', 'db'],
  routes: [
    'middleware',
    'openapi',
    'rate-limit',
    'mail',
    'passwords',
    'request-source',
    'resources',
    'errors',
    'env',
    'log',
    'tokens',
    'db',
    'emails',
    'package.json',
  ],
  passwords: ['middleware', 'errors', 'log'],
  middleware: ['openapi', 'resources', 'errors', 'env', 'log', 'tokens'],
  openapi: [],
  context: [],
  resources: ['rate-limit', 'mail', 'env', 'log', 'tokens', 'db'],
  mail: ['env', 'log', 'tokens', 'db', 'emails'],
  'request-source': ['rate-limit'],
  'rate-limit': ['errors', 'log'],
  errors: ['log', 'db'],
  env: [],
  log: [],
  tokens: [],
  db: [],
  emails: [],
  'left-out': [],
} as const satisfies Record<string, readonly string[]>

type Layer = keyof typeof MAY_IMPORT

/** Of these they may know the types, and no more. */
const MAY_NAME: Partial<Record<Layer, readonly string[]>> = {
  functions: ['context'],
  app: ['context'],
  routes: ['context'],
  passwords: ['context'],
  middleware: ['context', 'db'],
  openapi: ['errors', 'context'],
  mail: ['context'],
  'request-source': ['context', 'db'],
  'rate-limit': ['context'],
  resources: ['context'],
  maintenance: ['context'],
  errors: ['context'],
  context: ['resources', 'env', 'mail'],
  tokens: ['db'],
}

/** Where packages are at home. Those that speak to the network or know secrets live in one folder. */
const HOMES: Record<string, readonly string[]> = {
  '@neondatabase/serverless': ['db'],
  '@upstash/ratelimit': ['rate-limit'],
  '@upstash/redis': ['rate-limit'],
  resend: ['mail'],
  bcryptjs: ['passwords'],
  jose: ['tokens'],
  hono: ['app', 'context', 'routes', 'middleware', 'openapi', 'errors'],
  'hono/html': ['emails'],
  'hono/utils/ipaddr': ['rate-limit'],
  '@hono/zod-validator': ['middleware'],
  zod: ['context', 'routes', 'middleware', 'openapi', 'env', 'db', 'tokens'],
}

type Import = { file: string; layer: string; to: string; isType: boolean }

/** `import … from '…'`, `export … from '…'`, `import '…'`, `import('…')`. */
const STATEMENT =
  /^(?:import|export)\s+(type\s)?[^'"]*?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm

const SOURCES = ['src/**/*.ts', 'functions/**/*.ts', 'emails/**/*.ts']

/** `src/routes/users/me.ts` is in `routes`, `src/env.ts` is `env`, `local/dev.ts` is in `local`. */
const layerOf = (file: string) =>
  (file.replace(/^src\//, '').split('/')[0] ?? '').replace('.ts', '')

const packageOf = (specifier: string) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? specifier

function importsOf(file: string, source: string): Import[] {
  return [...source.matchAll(STATEMENT)].map(([, isType, from, bare, dynamic]) => ({
    file,
    layer: layerOf(file),
    to: from ?? bare ?? dynamic ?? '',
    isType: isType !== undefined,
  }))
}

let sources: { file: string; source: string }[]
let imports: Import[]

beforeAll(async () => {
  const files = globSync(SOURCES, { cwd: ROOT })
  sources = await Promise.all(
    files.map(async (file) => ({ file, source: await readFile(join(ROOT, file), 'utf8') })),
  )
  imports = sources.flatMap(({ file, source }) => importsOf(file, source))
})

const ofThisHouse = () =>
  imports
    .filter(({ to }) => to.startsWith('.'))
    .map((each) => ({ ...each, target: layerOf(relative('', join(dirname(each.file), each.to))) }))
    .filter(({ layer, target }) => layer !== target)

const show = ({ file, to }: Import) => `${file} imports ${to}`

describe('the layers', () => {
  test('stand from the top down: no rule lets an import go up', () => {
    const order: string[] = Object.keys(MAY_IMPORT)
    for (const rules of [MAY_IMPORT, MAY_NAME]) {
      for (const [layer, targets] of Object.entries(rules)) {
        const above = targets.filter(
          (target) =>
            // Only types: whatever has a request may name them.
            target !== 'context' &&
            order.includes(target) &&
            order.indexOf(target) <= order.indexOf(layer),
        )
        expect(above, layer).toEqual([])
      }
    }
  })

  test('are the ones there are', () => {
    const found = new Set(sources.map(({ file }) => layerOf(file)))
    expect([...found].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  test('import what they may', () => {
    const rules: Record<string, readonly string[]> = MAY_IMPORT
    const names: Record<string, readonly string[] | undefined> = MAY_NAME
    const broken = ofThisHouse().filter(
      ({ layer, target, isType }) =>
        !rules[layer]?.includes(target) && !(isType && names[layer]?.includes(target)),
    )
    expect(broken.map(show)).toEqual([])
    expect(ofThisHouse().length).toBeGreaterThan(100) // The parser still sees imports.
  })

  test('name files with their extension', () => {
    const bare = ofThisHouse().filter(({ to }) => !/\.(ts|json)$/.test(to))
    expect(bare.map(show)).toEqual([])
  })
})

describe('the packages', () => {
  const ofPackages = () => imports.filter(({ to }) => !/^[.]|^node:|^cloudflare:/.test(to))

  test('are at home in few layers', () => {
    const astray = ofPackages().filter(
      ({ to, layer }) => !(HOMES[to] ?? HOMES[packageOf(to)])?.includes(layer),
    )
    expect(astray.map(show)).toEqual([])
  })

  test('are dependencies, all of them and no more', () => {
    const used = new Set(ofPackages().map(({ to }) => packageOf(to)))
    expect([...used].sort()).toEqual(Object.keys(packageJson.dependencies).sort())
  })

  test('come into emails for HTML alone', () => {
    const foreign = imports.filter(
      ({ layer, to }) => layer === 'emails' && !/^\.\/[\w-]+\.ts$|^hono\/html$/.test(to),
    )
    expect(foreign.map(show)).toEqual([])
  })
})

test('the network has two doors: fetch is called in db/ and passwords/ alone', () => {
  const callers = sources.filter(({ source }) => /(?<![.\w])fetch\(/.test(source))
  expect(new Set(callers.map(({ file }) => layerOf(file)))).toEqual(new Set(['db', 'passwords']))
})

test('nothing in local/ imports the product', async () => {
  const files = globSync('local/**/*.ts', { cwd: ROOT })
  for (const file of files) {
    for (const { to } of importsOf(file, await readFile(join(ROOT, file), 'utf8'))) {
      expect(to, file).not.toMatch(/\.\.\/(src|functions|emails|test)\//)
    }
  }
})
