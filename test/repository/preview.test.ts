/** `npm run preview`: wrangler itself, and a real database behind doubles of Cloudflare's and Neon's APIs. */
import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { closePreview, openPreview } from '../../scripts/preview.ts'
import { readConfig } from '../../src/env.ts'
import { newDatabase } from '../setup/new-database.ts'
import { type Cloudflare, startCloudflare } from './cloudflare.ts'

const WORKER = 'edge-accounts-pr-12'

let cloudflare: Cloudflare
let neon: Server
let databaseUrl: string
let values: Record<string, string>
/** The branches of the project, by id. */
const branches = new Map<string, string>()
let calls: string[] = []

/** Neon's API, as far as previews call it. An operation has finished when it is asked for twice. */
function answer(call: string, body: string): object | undefined {
  if (call === 'POST /branches') {
    const { name } = JSON.parse(body).branch
    branches.set('br-new', name)
    return { branch: { id: 'br-new', name }, operations: [{ id: 'op-1' }] }
  }
  if (call === 'GET /operations/op-1') {
    const isAskedAgain = calls.filter((each) => each === call).length > 1
    return { operation: { id: 'op-1', status: isAskedAgain ? 'finished' : 'running' } }
  }
  if (call === 'DELETE /branches/br-new') return branches.delete('br-new') ? {} : undefined
  if (call === 'GET /branches/br-new/databases') {
    return { databases: [{ name: 'accounts', owner_name: 'owner' }] }
  }
  if (call === 'GET /connection_uri') return { uri: databaseUrl }
  return { branches: [...branches].map(([id, name]) => ({ id, name })) }
}

beforeAll(async () => {
  databaseUrl = await newDatabase('template1')

  neon = createServer(async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('')
    const path = request.url?.replace('/projects/green-sky-1', '').split('?')[0]
    const call = `${request.method} ${path}`
    calls.push(call)
    const isAllowed = request.headers.authorization === 'Bearer neon-key'
    const result = isAllowed ? answer(call, body) : {}
    response.writeHead(isAllowed ? (result ? 200 : 404) : 401).end(JSON.stringify(result ?? {}))
  })
  await new Promise<void>((resolve) => neon.listen(0, '127.0.0.1', resolve))
  cloudflare = await startCloudflare()
  for (const [name, value] of Object.entries(cloudflare.variables)) vi.stubEnv(name, value)
  values = {
    NEON_API_KEY: 'neon-key',
    NEON_PROJECT_ID: 'green-sky-1',
    NEON_API_URL: `http://127.0.0.1:${(neon.address() as AddressInfo).port}`,
    UPSTASH_REDIS_REST_URL: 'https://previews.upstash.io',
    UPSTASH_REDIS_REST_TOKEN: 'redis-token',
    WORKERS_SUBDOMAIN: 'acme',
  }
})
beforeEach(() => {
  calls = []
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await cloudflare.close()
  neon.close()
})

const secretFiles = () =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('edge-accounts-preview-'))

test('a preview is a migrated branch and a Worker with a valid configuration, twice the same', async () => {
  const url = await openPreview('12', values)
  expect(url).toBe('https://edge-accounts-pr-12.acme.workers.dev')
  expect(calls).toContain('POST /branches')

  const upload = cloudflare.calls.find(({ call }) => call === `PUT /workers/scripts/${WORKER}`)
  const { bindings: uploaded } = JSON.parse(
    /\{"main_module".*\}/.exec(upload?.body ?? '')?.[0] ?? '',
  )
  const variables = Object.fromEntries(
    uploaded
      .filter(({ text }: { text?: string }) => text !== undefined)
      .map(({ name, text }: { name: string; text: string }) => [name, text]),
  )
  expect(readConfig(variables)).toMatchObject({ environment: 'test', publicUrl: url })
  expect(variables).toMatchObject({ DATABASE_URL: databaseUrl, ENVIRONMENT: 'test' })

  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  expect((await client.query('select count(*)::int as n from users')).rows).toEqual([{ n: 0 }])
  await client.end()

  calls = []
  expect(await openPreview('12', values)).toBe(url)
  expect(calls).not.toContain('POST /branches')
  expect(cloudflare.deployments.get(WORKER)).toHaveLength(2)
  expect(secretFiles()).toEqual([])
})

test('a preview that closes leaves neither, also when it is closed again', async () => {
  await closePreview('12', values)
  expect(cloudflare.deployments.has(WORKER)).toBe(false)
  expect(branches.size).toBe(0)
  await closePreview('12', values)
})

test('a preview that closes deletes its branch even if Cloudflare fails, and fails', async () => {
  branches.set('br-new', 'pr-12')
  cloudflare.failNext(/^DELETE/, 403)
  await expect(closePreview('12', values)).rejects.toThrow('failed')
  expect(branches.size).toBe(0)
})

test('a preview fails without its variables or with a wrong key, before anything is deployed', async () => {
  cloudflare.calls.length = 0
  await expect(openPreview('12', { ...values, WORKERS_SUBDOMAIN: '' })).rejects.toThrow(
    /^Not set: WORKERS_SUBDOMAIN\./,
  )
  await expect(openPreview('12', { ...values, NEON_PROJECT_ID: '' })).rejects.toThrow(
    'NEON_PROJECT',
  )
  await expect(openPreview('12', { ...values, NEON_API_KEY: 'canary' })).rejects.toThrow(
    /HTTP 401: check NEON_API_KEY$/,
  )
  expect(cloudflare.calls).toEqual([])
})
