/** What `npm run doctor` checks of staging and production alone. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { checkBackups } from '../../scripts/doctor/backups.ts'
import type { Finding } from '../../scripts/doctor/finding.ts'
import { checkPublicUrl, checkRedirect } from '../../scripts/doctor/public-url.ts'
import { checkSettings } from '../../scripts/doctor/settings.ts'
import { generateSecretKey } from '../../scripts/keys/generate.ts'
import { ConfigurationError, readConfig } from '../../src/env.ts'
import type {} from '../setup/world.ts'
import { examine, faulty } from './examine.ts'

const { bindings } = inject('world')

const folder = mkdtempSync(join(tmpdir(), 'doctor-tls-'))
const servers: Server[] = []

afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true })
})

/** A certificate that signs itself. */
function certify(host: string, days: number) {
  const [key, cert] = ['key', 'cert'].map((part) => join(folder, `${host}-${days}.${part}`))
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
  execFileSync('openssl', [...args.map(String), '-days', String(days), ...subject], {
    stdio: 'ignore',
  })
  return { key: readFileSync(String(key)), cert: readFileSync(String(cert), 'utf8') }
}

async function serve(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const lines = (findings: Finding[]) =>
  findings.map(({ level, check, message }) => `${level} ${check}: ${message}`)

describe('the certificate of PUBLIC_URL', () => {
  const YEAR = 'max-age=31536000; includeSubDomains'
  const certificates = {
    good: certify('localhost', 60),
    ending: certify('localhost', 5),
    foreign: certify('elsewhere.example', 60),
    unknown: certify('localhost', 61),
  }

  beforeAll(() => {
    const { good, ending, foreign } = certificates
    const trusted = [good, ending, foreign].map(({ cert }) => cert)
    setDefaultCACertificates([...getCACertificates('default'), ...trusted])
  })

  test.each<[string, keyof typeof certificates, string | undefined, RegExp[]]>([
    [
      'is fine',
      'good',
      YEAR,
      [/^ok certificate: .* valid for (59|60) days/, /^ok hsts: for 1 year/],
    ],
    ['ends in days', 'ending', YEAR, [/^FAIL certificate: .* ends in [45] days/]],
    ['names another host', 'foreign', YEAR, [/^FAIL certificate: .* of another host\. See/]],
    ['is signed by itself', 'unknown', YEAR, [/^FAIL certificate: .* self-signed/]],
    ['comes without HSTS', 'good', undefined, [/^ok certificate/, /^FAIL hsts: .* for a year/]],
    ['comes with HSTS of a day', 'good', 'max-age=86400', [/^ok certificate/, /^FAIL hsts/]],
  ])('%s', async (_, name, hsts, expected) => {
    const server = createHttpsServer(certificates[name], (_request, response) => {
      if (hsts) response.setHeader('Strict-Transport-Security', hsts)
      response.end()
    })
    const publicUrl = `https://localhost:${await serve(server)}`
    const found = lines(await checkPublicUrl({ publicUrl }))
    expect(found).toEqual(expected.map((line) => expect.stringMatching(line)))
  })

  test('is not there where nothing listens, or the host is not in DNS', async () => {
    const server = createHttpServer()
    const publicUrl = `https://localhost:${await serve(server)}`
    server.close()
    expect(lines(await checkPublicUrl({ publicUrl }))).toEqual([
      expect.stringMatching(/^FAIL certificate: localhost does not accept connections/),
    ])
    expect(lines(await checkPublicUrl({ publicUrl: undefined }))).toEqual([
      expect.stringMatching(/^warn certificate: PUBLIC_URL is not set/),
    ])
  })
})

describe('http at the host of PUBLIC_URL', () => {
  const redirect =
    (to: string): RequestListener =>
    (_, response) =>
      response.writeHead(301, { location: to }).end()

  test.each<[string, RequestListener, RegExp]>([
    ['leads to https', redirect('https://accounts.example.com/'), /^ok redirect: http leads/],
    ['leads to http', redirect('http://accounts.example.com/'), /^FAIL redirect: .* 301/],
    ['responds itself', (_, response) => response.end('x'), /^FAIL redirect: .* 200: turn on/],
  ])('%s', async (_, listener, line) => {
    const port = await serve(createHttpServer(listener))
    expect(lines([await checkRedirect(new URL(`https://127.0.0.1:${port}`))])).toEqual([
      expect.stringMatching(line),
    ])
  })

  test('does not respond', async () => {
    expect(lines([await checkRedirect(new URL('https://127.0.0.1:1'))])).toEqual([
      'ok redirect: nothing responds without TLS',
    ])
  })
})

const DATABASE_URL = 'postgresql://me:canary@host.neon.tech/accounts?sslmode=require'

const SOUND = {
  DATABASE_URL,
  SECRET_KEY: generateSecretKey(),
  METRICS_TOKEN: generateSecretKey(),
  LOG_LEVEL: 'info',
}

test.each<[string, Record<string, string>, RegExp]>([
  ['all are sound', {}, /^ok settings/],
  ['LOG_LEVEL is debug', { LOG_LEVEL: 'debug' }, /^warn settings: LOG_LEVEL is debug/],
  [
    'SECRET_KEY has 43 characters',
    { SECRET_KEY: generateSecretKey().slice(0, 43) },
    /^warn settings: SECRET_KEY is short\. It has 43 characters/,
  ],
  ['METRICS_TOKEN is not set', { METRICS_TOKEN: '' }, /^warn settings: METRICS_TOKEN is not set/],
  [
    'DATABASE_URL does not ask for TLS',
    { DATABASE_URL: DATABASE_URL.replace('sslmode=require', 'sslmode=prefer') },
    /^FAIL settings: DATABASE_URL has no sslmode=require/,
  ],
])('the settings of production: %s', async (_, changed, line) => {
  const config = readConfig({ ...bindings, ...SOUND, ...changed })
  if (config instanceof ConfigurationError) throw config
  const found = lines(await checkSettings(config))
  expect(found).toEqual([expect.stringMatching(line)])
  expect(found.join()).not.toContain('canary')
})

test.each<[string, string, RegExp]>([
  ['allkeys-lru', 'maxmemory_policy:allkeys-lru', /^warn +eviction +is on \(allkeys-lru\)/m],
  ['noeviction', 'maxmemory_policy:noeviction', /^ok +eviction +is off/m],
  ['keys that are gone', 'evicted_keys:7', /^warn +eviction +7 keys are gone/m],
])('npm run doctor reads the eviction of Redis: %s', async (_, field, line) => {
  const body = JSON.stringify({ result: `# Memory\r\n${field}\r\n` })
  const redis = await faulty('upstash', { kind: 'status', status: 200, body, match: 'INFO' })
  const { output, code } = await examine({ UPSTASH_REDIS_REST_URL: redis })
  expect(output).toMatch(line)
  expect(code).toBe(0)
})

test.each<[string, number, object, RegExp]>([
  ['7 days', 200, { project: { history_retention_seconds: 604800 } }, /^ok backups: .* 7 days/],
  ['6 hours', 200, { project: { history_retention_seconds: 21600 } }, /^FAIL .* 6 hours back/],
  ['a wrong key', 401, {}, /^FAIL backups: .*HTTP 401: check NEON_API_KEY/],
  ['an unknown project', 404, {}, /^FAIL backups: Neon does not know the project/],
])('what Neon can restore: %s', async (_, status, body, line) => {
  const port = await serve(
    createHttpServer((_request, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    ),
  )
  const values = {
    NEON_API_KEY: 'canary',
    NEON_PROJECT_ID: 'green-sky-1',
    NEON_API_URL: `http://127.0.0.1:${port}`,
  }
  const found = lines(await checkBackups(values))
  expect(found).toEqual([expect.stringMatching(line)])
  expect(found.join()).not.toContain('canary')
  expect(lines(await checkBackups({}))).toEqual([
    expect.stringMatching(/^warn backups: .* NEON_API_KEY and NEON_PROJECT_ID/),
  ])
})
