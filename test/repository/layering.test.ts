import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import exampleJson from '../../examples/react/package.json' with { type: 'json' }
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

/** What a layer may import. The layers are in order: an import only goes down. */
const MAY_IMPORT = {
  functions: ['app', 'mail', 'maintenance', 'resources', 'env'],
  app: ['routes', 'middleware', 'errors', 'versions'],
  maintenance: ['resources', 'metrics', 'redis', 'env', 'log', 'db'],
  routes: [
    'middleware',
    'openapi',
    'rate-limit',
    'mail',
    'metrics',
    'passwords',
    'request-source',
    'resources',
    'errors',
    'env',
    'log',
    'tokens',
    'db',
    'timeout',
    'emails',
    'package.json',
  ],
  middleware: ['openapi', 'resources', 'passwords', 'errors', 'env', 'log', 'tokens', 'versions'],
  openapi: [],
  context: [],
  resources: ['rate-limit', 'mail', 'metrics', 'passwords', 'env', 'log', 'tokens', 'db'],
  mail: ['env', 'log', 'tokens', 'db', 'emails'],
  metrics: ['redis', 'log'],
  passwords: ['errors', 'log', 'timeout'],
  'request-source': ['rate-limit'],
  'rate-limit': ['redis', 'errors', 'log'],
  redis: ['timeout'],
  errors: ['log', 'db', 'versions'],
  env: [],
  tokens: ['log'],
  log: [],
  db: ['timeout'],
  timeout: [],
  versions: [],
  emails: [],
  'left-out': [],
} as const satisfies Record<string, readonly string[]>

type Layer = keyof typeof MAY_IMPORT

/** What a layer may also import as types. */
const MAY_NAME: Partial<Record<Layer, readonly string[]>> = {
  middleware: ['db'],
  openapi: ['errors', 'versions'],
  'request-source': ['db'],
  context: ['resources', 'db', 'env', 'mail'],
  tokens: ['db'],
}

/** Layers that may not import the types of `context`. All others may. */
const WITHOUT_CONTEXT = ['env', 'log', 'tokens', 'db', 'timeout', 'versions', 'emails', 'left-out']

/** The layers that may import a package. Packages that use the network or secrets have one layer. */
const HOMES: Record<string, readonly string[]> = {
  '@neondatabase/serverless': ['db'],
  '@upstash/ratelimit': ['rate-limit'],
  '@upstash/redis': ['redis'],
  resend: ['mail'],
  bcryptjs: ['passwords'],
  jose: ['tokens'],
  hono: ['app', 'context', 'routes', 'middleware', 'openapi', 'errors'],
  'hono/html': ['emails'],
  'hono/utils/ipaddr': ['rate-limit'],
  'hono/utils/url': ['versions'],
  '@hono/zod-validator': ['middleware'],
  zod: ['context', 'routes', 'middleware', 'openapi', 'metrics', 'env', 'db', 'tokens'],
}

type Import = { file: string; layer: string; to: string; isType: boolean }

/** `import … from '…'`, `export … from '…'`, `import '…'`, `import('…')`. */
const STATEMENT =
  /^(?:import|export)\s+(type\s)?[^'"]*?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm

/** `src/routes/users/me.ts` is in `routes`, `src/env.ts` is `env`, `local/dev.ts` is in `local`. */
const layerOf = (file: string) =>
  (file.replace(/^src\//, '').split('/')[0] ?? '').replace('.ts', '')

const packageOf = (specifier: string) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? specifier

const sourcesIn = (...folders: string[]) =>
  folders
    .flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`, { cwd: ROOT }))
    .map((file) => ({ file, source: readFileSync(join(ROOT, file), 'utf8') }))

const importsOf = ({ file, source }: { file: string; source: string }): Import[] =>
  [...source.matchAll(STATEMENT)].map(([, isType, from, bare, dynamic]) => ({
    file,
    layer: layerOf(file),
    to: from ?? bare ?? dynamic ?? '',
    isType: isType !== undefined,
  }))

const show = ({ file, to }: Import) => `${file} imports ${to}`

const sources = sourcesIn('src', 'functions', 'emails')
const imports = sources.flatMap(importsOf)
const ofPackages = imports.filter(({ to }) => !/^[.]|^node:|^cloudflare:/.test(to))
const ofLayers = imports
  .filter(({ to }) => to.startsWith('.'))
  .map((each) => ({ ...each, target: layerOf(relative('', join(dirname(each.file), each.to))) }))
  .filter(({ layer, target }) => layer !== target)

describe('layers', () => {
  test('have no rule that lets an import go up', () => {
    const order: string[] = Object.keys(MAY_IMPORT)
    for (const rules of [MAY_IMPORT, MAY_NAME]) {
      for (const [layer, targets] of Object.entries(rules)) {
        const above = order.slice(0, order.indexOf(layer) + 1)
        expect(targets.filter((target) => above.includes(target))).toEqual([])
      }
    }
  })

  test('are the folders and files of src, functions and emails', () => {
    const found = new Set(sources.map(({ file }) => layerOf(file)))
    expect([...found].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  test('import only what they may', () => {
    const rules: Record<string, readonly string[]> = MAY_IMPORT
    const types: Record<string, readonly string[] | undefined> = MAY_NAME
    const mayName = (layer: string, target: string) =>
      types[layer]?.includes(target) || (target === 'context' && !WITHOUT_CONTEXT.includes(layer))
    const broken = ofLayers.filter(
      ({ layer, target, isType }) =>
        !rules[layer]?.includes(target) && !(isType && mayName(layer, target)),
    )
    expect(broken.map(show)).toEqual([])
    expect(ofLayers.length).toBeGreaterThan(100) // The parser still finds imports.
  })

  test('import files by name and extension', () => {
    expect(ofLayers.filter(({ to }) => !/\.(ts|json)$/.test(to)).map(show)).toEqual([])
  })
})

describe('packages', () => {
  test('are imported only by their layers', () => {
    const astray = ofPackages.filter(
      ({ to, layer }) => !(HOMES[to] ?? HOMES[packageOf(to)])?.includes(layer),
    )
    expect(astray.map(show)).toEqual([])
  })

  test('are the dependencies of package.json', () => {
    const used = new Set(ofPackages.map(({ to }) => packageOf(to)))
    expect([...used].sort()).toEqual(Object.keys(packageJson.dependencies).sort())
  })
})

test('emails import only each other and hono/html', () => {
  const foreign = imports.filter(
    ({ layer, to }) => layer === 'emails' && !/^\.\/[\w-]+\.ts$|^hono\/html$/.test(to),
  )
  expect(foreign.map(show)).toEqual([])
})

test('only db/ and passwords/ call fetch', () => {
  const callers = sources.filter(({ source }) => /(?<![.\w])fetch\(/.test(source))
  expect(new Set(callers.map(({ file }) => layerOf(file)))).toEqual(new Set(['db', 'passwords']))
})

/** What a file imports of the repository, and what those files import. Types are gone when it runs. */
function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  const source = readFileSync(join(ROOT, file), 'utf8')
  for (const { to, isType } of importsOf({ file, source })) {
    const target = relative('', join(dirname(file), to))
    if (isType || !/^\.\.?\/.*\.ts$/.test(to) || loaded.has(target)) continue
    loadedBy(target, loaded.add(target))
  }
  return loaded
}

test('local/ loads nothing of src, functions, emails or test', () => {
  const loaded = sourcesIn('local').flatMap(({ file }) =>
    [...loadedBy(file)].map((target) => `${file} loads ${target}`),
  )
  expect(loaded).toContain('local/dev.ts loads scripts/keys/generate.ts')
  expect(loaded.filter((line) => / (src|functions|emails|test)\//.test(line))).toEqual([])
})

test.each([
  { folder: 'client', dependencies: {} },
  { folder: 'examples/react', dependencies: exampleJson.dependencies },
])(
  '$folder can be copied out: it imports its own files and its dependencies',
  ({ folder, dependencies }) => {
    const imported = sourcesIn(`${folder}/src`).flatMap(importsOf)
    expect(imported.length).toBeGreaterThan(10)
    const astray = imported.filter(({ file, to }) =>
      to.startsWith('.')
        ? !join(dirname(file), to).startsWith(`${folder}/src/`)
        : !(packageOf(to) in dependencies),
    )
    expect(astray.map(show)).toEqual([])
  },
)
