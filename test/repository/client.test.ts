import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { OPERATIONS } from '../../client/src/api.ts'
import { generateClientApi, TARGET } from '../../scripts/client.ts'
import { buildOpenApi } from '../../scripts/openapi.ts'

/** What a browser may have to load for `createClient`, in gzip. */
const MAX_BYTES = 4 * 1024

const ROOT = join(import.meta.dirname, '../..')

type Document = { paths: Record<string, Record<string, { operationId: string }>> }

test('client/src/api.ts is what the OpenAPI document gives: npm run generate:client', async () => {
  expect(await readFile(TARGET, 'utf8')).toBe(generateClientApi())
})

test('the client has every operation below /api/ under its operationId, and no other', () => {
  const { paths } = buildOpenApi() as Document
  const documented = Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [
        operationId,
        `${method.toUpperCase()} ${path}`,
      ]),
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

test('client/dist is built from client/src: npm run prepare --workspace client', async () => {
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
