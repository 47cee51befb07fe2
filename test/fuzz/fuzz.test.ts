/**
 * Property tests generated from the OpenAPI document: for any request to any route, the response is
 * documented and no internal error. They run for a few seconds, or for FUZZ_SECONDS (`npm run fuzz`).
 * A failure prints its seed and path; FUZZ_SEED repeats it.
 */
import * as fc from 'fast-check'
import { beforeAll, beforeEach, expect, inject, test } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import { ERRORS } from '../../src/errors.ts'
import { PASSWORD, registerUser } from '../setup/accounts.ts'
import { type ApiResponse, environment, freshAddress, send, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import {
  bodyFor,
  headersFor,
  type Known,
  queryFor,
  type Schema,
  segmentFor,
} from './arbitraries.ts'

type Operation = {
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

const { seconds, seed } = inject('fuzz')

const SECURITY_HEADERS = [
  ...['content-security-policy', 'strict-transport-security', 'x-content-type-options'],
  ...['x-frame-options', 'x-xss-protection', 'referrer-policy', 'permissions-policy'],
  ...['x-permitted-cross-domain-policies', 'cache-control'],
]

/** Resend rejects a valid address, or Redis is slow on a busy machine. No other 5xx is allowed. */
const EXPECTED_FAILURES = ['EmailServiceError', 'ServiceUnavailableError']

const operations = Object.entries((await openApi()).paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    operation: operation as Operation,
  })),
)

/** For one operation, and for its last case to finish (a bcrypt hash or two). */
const BUDGET_MS = (seconds * 1_000) / operations.length
const GRACE_MS = 10_000

let env: Bindings
let url: string
let known: Known

/** The status codes of all responses. */
const seen = new Set<number>()

/** Creates a user and the first admin in a new database. */
beforeAll(async () => {
  url = await emptyDatabase()
  env = environment({ DATABASE_URL: url, RATE_LIMIT_PER_HOUR: 1_000_000 })
  const user = await registerUser(visitor({ env }))
  const admin = { username: 'fuzzed-admin', email: 'fuzzed-admin@example.com', password: PASSWORD }
  const registered = await visitor({ env }).post('/api/admins/register', admin, {
    headers: { 'X-Bootstrap-Token': String(env.ADMIN_BOOTSTRAP_TOKEN) },
  })
  expect(registered.status).toBe(201)
  const login = await visitor({ env }).post('/api/admins/login', admin)
  known = {
    names: [user.username, user.email, admin.username, admin.email, PASSWORD],
    tokens: [user, login.body].flatMap((each) => [each.access_token, each.refresh_token]),
    ids: [String(user.id)],
  }
})

/** Restores the two accounts after the cases of an operation. */
beforeEach(async () => {
  for (const kind of ['user', 'admin']) {
    await sql(
      `update ${kind}s set is_active = true, deleted_at = null, session_epoch = 0, kept_session = null`,
      [],
      url,
    )
    await sql(`update ${kind}_sessions set revoked_at = null`, [], url)
  }
  await sql('delete from attempts', [], url)
})

/** What holds for every response. `send` checks that it is documented. */
function expectUniform(response: ApiResponse) {
  const { status, headers, body, text } = response
  for (const name of SECURITY_HEADERS) expect(headers.get(name), name).toBeTruthy()
  const id = headers.get('X-Request-ID')
  expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  expect(text).not.toContain('$2b$')
  if (status < 400) return
  if (status >= 500) expect(EXPECTED_FAILURES, text).toContain(body['error'])
  const { details, ...rest } = body
  expect(rest).toEqual({
    error: expect.any(String),
    message: expect.any(String),
    status_code: status,
    timestamp: expect.stringMatching(/Z$/),
    path: expect.any(String),
    request_id: id,
  })
  expect(Object.entries(ERRORS)).toContainEqual([body['error'], status])
}

test.each(operations)(
  '$method $path returns a documented response to any request',
  { timeout: BUDGET_MS + GRACE_MS },
  async ({ method, path, operation }) => {
    const parts = path.split(/(\{\w+\})/)
    const schema = operation.requestBody?.content['application/json']?.schema
    const parameters = operation.parameters?.filter((each) => each.in === 'query') ?? []
    const request = fc.record({
      path: fc
        .tuple(...parts.map((part) => (/^\{/.test(part) ? segmentFor(known) : fc.constant(part))))
        .map((all) => all.join('')),
      query: queryFor(parameters, known),
      headers: headersFor(known),
      body: schema ? bodyFor(schema, known) : fc.constant(null),
    })
    const verdict = await fc.check(
      fc.asyncProperty(request, async ({ path, query, headers, body }) => {
        const target = `https://accounts.example.com${path}${query}`
        const sent = { ...headers, 'CF-Connecting-IP': freshAddress() }
        const response = await send(new Request(target, { method, headers: sent, body }), env)
        expectUniform(response)
        seen.add(response.status)
      }),
      { numRuns: 100_000, interruptAfterTimeLimit: BUDGET_MS, ...(seed !== null && { seed }) },
    )
    // On a busy machine even the first case may run out of time. That is not a failure.
    if (verdict.counterexample !== null) {
      throw new Error(await fc.asyncDefaultReportMessage(verdict), { cause: verdict.errorInstance })
    }
  },
)

test('some requests succeed, and the others are rejected for various reasons', () => {
  expect([...seen]).toEqual(expect.arrayContaining([200, 204, 401, 403, 415, 422]))
})
