import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { API_BASE, OPERATIONS } from '../../client/src/api.ts'
import { generateClientApi, TARGET } from '../../scripts/client.ts'
import { buildOpenApi } from '../../scripts/openapi.ts'

/** What a browser may have to load for `createClient`, in gzip. */
const MAX_BYTES = 4 * 1024

const ROOT = join(import.meta.dirname, '../..')

test('client/src/api.ts is what the OpenAPI document gives: npm run generate:client', async () => {
  expect(await readFile(TARGET, 'utf8')).toBe(generateClientApi())
})

test('the client has every operation below /api/v1/ under its operationId, and no other', () => {
  const { paths, servers } = buildOpenApi()
  expect(servers[0].url).toBe(API_BASE)
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { servers }]) => !servers)
      .map(([method, { operationId }]) => [operationId, `${method.toUpperCase()} ${path}`]),
  )
  const called = Object.entries(OPERATIONS).map(([name, row]) => [
    name,
    row.split(' ').slice(0, 2).join(' '),
  ])
  expect(called.length).toBeGreaterThan(30)
  expect(called.toSorted()).toEqual(documented.toSorted())
})

test('createClient takes less than 4 KiB in a bundle, minified and compressed', async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: "export { createClient } from './client/dist/index.js'",
      resolveDir: ROOT,
    },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
  console.log(`createClient: ${bytes} bytes`)
  expect(bytes).toBeGreaterThan(1024)
  expect(bytes).toBeLessThan(MAX_BYTES)
})

test('client/dist is built from client/src: npm run prepare', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'client-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const program = join(ROOT, 'node_modules/.bin/tsc')
  execFileSync(program, ['-p', 'client/tsconfig.build.json', '--outDir', folder], { cwd: ROOT })
  const built = await readdir(folder)
  expect(built).toContain('index.d.ts')
  for (const file of built) {
    const expected = await readFile(join(folder, file), 'utf8')
    expect(await readFile(join(ROOT, 'client/dist', file), 'utf8'), file).toBe(expected)
  }
})

/** What the examples of client/README.md leave to the reader's program. */
const READERS = `import { type Client, createClient } from 'edge-accounts-client'
import type { ReactNode } from 'react'
declare global {
  const accounts: Client
  const username: string, email: string, password: string, token: string
  const session: { id: string }
  const signal: AbortSignal
  const form: { show(fields: Readonly<Record<string, string>>, message: string): void }
  const env: { ACCOUNTS: { fetch: typeof fetch } }
  function Profile(props: object): ReactNode
  function SignIn(): ReactNode
}`

test('the examples of client/README.md compile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'client-readme-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const readme = await readFile(join(ROOT, 'client/README.md'), 'utf8')
  const examples = [...readme.matchAll(/```tsx?\n(.*?)```/gs)]
  expect(examples.length).toBeGreaterThan(8)
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  await write('readers.ts', READERS)
  await Promise.all(
    examples.map(([, example = ''], index) => {
      const isModule = /^import /m.test(example)
      const imports = isModule ? '' : "import { createClient } from 'edge-accounts-client'\n"
      return write(`example-${index}.tsx`, imports + example)
    }),
  )
  const types = join(ROOT, 'node_modules/@types')
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, jsx: 'react-jsx' },
    ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler', types: [] },
    paths: {
      'edge-accounts-client': [join(ROOT, 'client/dist/index.d.ts')],
      'react/*': [join(types, 'react/*')],
      react: [join(types, 'react')],
      csstype: [join(ROOT, 'node_modules/csstype')],
    },
  }
  await write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*'] }))
  const compile = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder])
  expect(await compile.catch(({ stdout }) => ({ stdout, stderr: '' }))).toEqual({
    stdout: '',
    stderr: '',
  })
})
