/** `npm run release`: wrangler itself, against a double of Cloudflare's API. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest'
import { release, rollBack } from '../../scripts/release.ts'
import type {} from '../setup/world.ts'
import { type Cloudflare, startCloudflare } from './cloudflare.ts'

const ROOT = join(import.meta.dirname, '../..')
const WORKER = 'edge-accounts-staging'
const RECORD = join(ROOT, 'dist/release-staging.json')
const EARLIER = [{ version_id: '11111111-1111-4111-8111-111111111111', percentage: 100 }]

const databaseUrl = inject('world').bindings['DATABASE_URL'] ?? ''
const SOUND = [process.execPath, '-e', ''] as const
const BROKEN = [process.execPath, '-e', 'process.exitCode = 1'] as const

let cloudflare: Cloudflare

beforeAll(async () => {
  cloudflare = await startCloudflare()
  for (const [name, value] of Object.entries(cloudflare.variables)) vi.stubEnv(name, value)
})
beforeEach(() => {
  cloudflare.deployments.set(WORKER, [EARLIER])
  cloudflare.calls.length = 0
})
afterEach(() => rollBack('staging'))
afterAll(async () => {
  vi.unstubAllEnvs()
  await cloudflare.close()
})

const run = (smoke: readonly [string, ...string[]]) =>
  release({ environment: 'staging', databaseUrl, smoke, settleMs: 0, message: 'a change' })

const serving = () => cloudflare.deployments.get(WORKER)?.[0]

test('a release whose smoke test passes serves the new version', async () => {
  expect(await run(SOUND)).toBe(true)
  expect(serving()).not.toEqual(EARLIER)
  expect(cloudflare.deployments.get(WORKER)).toHaveLength(2)
  expect(existsSync(RECORD)).toBe(false)
})

test('a release whose smoke test fails twice is rolled back to the versions before and their shares', async () => {
  const split = [
    { version_id: '11111111-1111-4111-8111-111111111111', percentage: 90 },
    { version_id: '33333333-3333-4333-8333-333333333333', percentage: 10 },
  ]
  cloudflare.deployments.set(WORKER, [split])
  expect(await run(BROKEN)).toBe(false)
  expect(cloudflare.deployments.get(WORKER)).toHaveLength(3)
  expect(serving()).toEqual(expect.arrayContaining(split))
  expect(existsSync(RECORD)).toBe(false)
})

test('a release is rolled back when wrangler fails after the upload', async () => {
  cloudflare.failNext(/^PUT .*schedules$/, 400)
  await expect(run(SOUND)).rejects.toThrow('wrangler deploy --env exited with 1')
  expect(cloudflare.deployments.get(WORKER)).toHaveLength(3)
  expect(serving()).toEqual(EARLIER)
})

test('a release changes nothing if the upload, the database or Cloudflare fails', async () => {
  cloudflare.failNext(/^POST .*versions$/, 400)
  await expect(run(SOUND)).rejects.toThrow('wrangler deploy')
  const elsewhere = { environment: 'staging', smoke: SOUND, settleMs: 0, message: '' }
  await expect(
    release({ ...elsewhere, databaseUrl: 'postgresql://me:canary@127.0.0.1:1/none' }),
  ).rejects.toThrow(/^Can't connect to the database: (?!.*canary)/)
  cloudflare.failNext(/^GET .*deployments$/, 403)
  await expect(run(SOUND)).rejects.toThrow("wrangler can't say what is deployed")
  expect(cloudflare.deployments.get(WORKER)).toEqual([EARLIER])
  expect(existsSync(RECORD)).toBe(false)
})

test('the first release, whose smoke test fails, has nothing to roll back to, and says so', async () => {
  cloudflare.deployments.clear()
  const said = vi.spyOn(console, 'error')
  expect(await run(BROKEN)).toBe(false)
  expect(said.mock.calls.flat().join('\n')).toContain('there is none to roll back to')
  expect(existsSync(RECORD)).toBe(false)
})

test('a release that is killed before its smoke test is rolled back by the next command', async () => {
  const options = { environment: 'staging', databaseUrl, settleMs: 60_000, message: 'killed' }
  const source = `import { release } from './scripts/release.ts'
    await release({ ...${JSON.stringify(options)}, smoke: [process.execPath] })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: ROOT })
  await vi.waitFor(() => expect(cloudflare.deployments.get(WORKER)).toHaveLength(2), 120_000)
  child.kill('SIGKILL')
  await once(child, 'exit')

  await expect(run(SOUND)).rejects.toThrow('npm run release -- staging --roll-back')
  const args = [join(ROOT, 'scripts/release.ts'), 'staging', '--roll-back']
  const [code] = await once(spawn(process.execPath, args, { cwd: ROOT }), 'exit')
  expect(code).toBe(0)
  expect(serving()).toEqual(EARLIER)
  expect(existsSync(RECORD)).toBe(false)
})
