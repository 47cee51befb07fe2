import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import packageJson from '../../package.json' with { type: 'json' }
import { type Check, outcome } from './check.ts'
import { DOCUMENT } from './expected.ts'
import { wrongBody, wrongHeader, wrongStatus } from './shape.ts'

const Health = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  timestamp: z.iso.datetime(),
  version: z.string(),
  environment: z.string(),
  project: z.string(),
  database: z.object({ connected: z.boolean(), error: z.string().nullable() }),
  redis: z.object({ connected: z.boolean() }),
  email_configured: z.boolean(),
})

/** Milliseconds until an isolate probes again, and a suspended database has resumed. */
const PROBED_AGAIN_MS = 6000

/** A second time if there is time for it, as the first may have woken the database. */
export const checkHealth: Check = async (service) => {
  const first = await probe(service)
  if (first.problems.length === 0 || service.timeoutMs < 2 * PROBED_AGAIN_MS) return first
  await sleep(PROBED_AGAIN_MS, undefined, { signal: service.signal })
  const second = await probe(service)
  return second.problems.length > 0
    ? second
    : { ...second, warnings: first.problems.map((problem) => `at first, ${problem}`) }
}

const probe: Check = async ({ call }) => {
  const reply = await call('/health')
  const { data: health } = Health.safeParse(reply.json)
  if (!health) return outcome('', [wrongStatus(reply, 200), ...wrongBody(reply, Health)])
  const { status, version, environment, database, redis } = health
  return outcome(
    `${status}, version ${version}, ${environment}`,
    [
      wrongStatus(reply, 200),
      !database.connected && `the database is not connected: ${database.error}`,
      !redis.connected && 'Redis is not connected',
      version !== packageJson.version &&
        `version ${version} is served, and this checkout is ${packageJson.version}`,
    ],
    [!health.email_configured && 'email is not configured: none is sent'],
  )
}

export const checkLive: Check = async ({ call }) => {
  const reply = await call('/health/live')
  return outcome('alive', [
    wrongStatus(reply, 200),
    ...wrongBody(reply, z.object({ status: z.literal('alive') })),
  ])
}

/** Strict: a private part (RFC 8037: `d`) must not be there, nor anything else. */
const JwkSet = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        alg: z.literal('EdDSA'),
        use: z.literal('sig'),
        kid: z.string().min(1),
        x: z.base64url().length(43),
      }),
    )
    .min(1),
})

export const checkJwks: Check = async ({ call }) => {
  const reply = await call('/.well-known/jwks.json')
  const { data } = JwkSet.safeParse(reply.json)
  const keys = data?.keys ?? []
  return outcome(`public keys: ${keys.length}`, [
    wrongStatus(reply, 200),
    ...wrongBody(reply, JwkSet),
    wrongHeader(reply, 'Cache-Control', 'public, max-age=300'),
    new Set(keys.map(({ kid }) => kid)).size !== keys.length && 'two keys have the same kid',
  ])
}

const OpenApi = z.object({
  openapi: z.string().startsWith('3.1'),
  info: z.object({ version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
})

type Operations = z.output<typeof OpenApi>['paths']

const operationsOf = (paths: Operations) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )

/** The document that is served is the one that this checkout builds. */
export const checkDocument: Check = async ({ call }) => {
  const reply = await call('/openapi.json')
  const { data: served } = OpenApi.safeParse(reply.json)
  const problems = [wrongStatus(reply, 200), ...wrongBody(reply, OpenApi)]
  if (!served) return outcome('', problems)
  const built: unknown = JSON.parse(JSON.stringify(DOCUMENT))
  const expected = operationsOf(OpenApi.parse(built).paths)
  const operations = operationsOf(served.paths)
  const missing = expected.filter((operation) => !operations.includes(operation))
  const added = operations.filter((operation) => !expected.includes(operation))
  const isOther =
    missing.length === 0 && added.length === 0 && !isDeepStrictEqual(reply.json, built)
  return outcome(`${operations.length} operations, as in this checkout`, [
    ...problems,
    missing.length > 0 && `the document lacks ${missing.join(', ')}`,
    added.length > 0 && `the document has what this checkout has not: ${added.join(', ')}`,
    isOther && 'the document is not the one of this checkout: was another commit deployed?',
  ])
}

const PAGES = ['/docs', '/redoc', '/reset-password', '/forgot-password']

export const checkPages: Check = async ({ call }) => {
  const pages = await Promise.all(PAGES.map((path) => call(path)))
  const paths = pages.flatMap(({ text }) =>
    [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path),
  )
  const files = await Promise.all([...new Set(paths)].map((path) => call(path, { method: 'HEAD' })))
  return outcome(`${pages.length} pages with their ${files.length} files`, [
    ...pages.flatMap((page) => [
      wrongStatus(page, 200),
      !/^text\/html\b/.test(page.headers.get('Content-Type') ?? '') &&
        `${page.request} is not HTML`,
      !/script-src 'self'(?:;|$)/.test(page.headers.get('Content-Security-Policy') ?? '') &&
        `${page.request} has a Content-Security-Policy that allows other scripts than ours`,
    ]),
    files.length === 0 && 'the pages load no files',
    ...files.map((file) => wrongStatus(file, 200)),
  ])
}

/** Metrics are for whoever has METRICS_TOKEN. */
export const checkMetrics: Check = async ({ call }) => {
  const { status } = await call('/metrics')
  return outcome(`${status} without a token`, [
    status !== 401 && status !== 404 && `GET /metrics returns ${status} without a token`,
  ])
}
