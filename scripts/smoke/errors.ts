import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { BODY_LIMIT } from '../../src/middleware/validate.ts'
import { API_BASE, API_VERSION } from '../../src/versions.ts'
import type { Reply, Sent } from './call.ts'
import { type Check, outcome, type Problem } from './check.ts'
import { DOCUMENT } from './expected.ts'
import { wrongBody, wrongHeader, wrongStatus } from './shape.ts'

const LOGIN = '/api/users/login'

const ErrorBody = z.strictObject({
  error: z.string(),
  message: z.string().min(1),
  status_code: z.int(),
  timestamp: z.iso.datetime(),
  path: z.string(),
  request_id: z.uuid(),
  details: z.record(z.string(), z.unknown()).optional(),
})

const FieldErrors = z.object({
  details: z.object({
    errors: z.array(z.object({ field: z.string(), message: z.string(), type: z.string() })).min(1),
  }),
})

type Expected = { status: number; error: string; path: string }

function wrongError(reply: Reply, { status, error, path }: Expected): Problem[] {
  const { data: body } = ErrorBody.safeParse(reply.json)
  return [
    wrongStatus(reply, status),
    ...wrongBody(reply, ErrorBody),
    wrongHeader(reply, 'Content-Type', 'application/json'),
    wrongHeader(reply, 'Cache-Control', 'no-store'),
    !!body && body.error !== error && `${reply.request} is ${body.error} instead of ${error}`,
    !!body && body.status_code !== status && `${reply.request} has another status in its body`,
    !!body && body.path !== path && `${reply.request} has another path in its body`,
    !!body &&
      body.request_id !== reply.headers.get('X-Request-ID') &&
      `${reply.request} has another id in its body than in X-Request-ID`,
  ]
}

/** Every error has one shape, and nothing from inside the service. */
export const checkErrors: Check = async ({ call, id }) => {
  const errorOf = async (expected: Expected, sent: Sent = {}) => {
    const reply = await call(expected.path, sent)
    return { reply, problems: wrongError(reply, expected) }
  }
  const json = { 'Content-Type': 'application/json' }
  const requestId = randomUUID()
  const [missing, method, invalid, broken, ...others] = await Promise.all([
    errorOf(
      { status: 404, error: 'NotFoundError', path: `/smoke-${id}` },
      { headers: { 'X-Request-ID': requestId } },
    ),
    errorOf({ status: 405, error: 'MethodNotAllowedError', path: LOGIN }, { method: 'DELETE' }),
    errorOf({ status: 422, error: 'ValidationError', path: LOGIN }, { method: 'POST', body: {} }),
    errorOf(
      { status: 422, error: 'ValidationError', path: LOGIN },
      { method: 'POST', body: '{"username":', headers: json },
    ),
    errorOf(
      { status: 413, error: 'PayloadTooLargeError', path: LOGIN },
      { method: 'POST', body: { username: 'x'.repeat(BODY_LIMIT) } },
    ),
    errorOf(
      { status: 415, error: 'UnsupportedMediaTypeError', path: LOGIN },
      { method: 'POST', body: 'username=x', headers: { 'Content-Type': 'text/plain' } },
    ),
  ])
  const allow = method.reply.headers.get('Allow') ?? ''
  return outcome('404, 405, 413, 415 and 422 have one shape', [
    ...[missing, method, invalid, broken, ...others].flatMap(({ problems }) => problems),
    wrongHeader(missing.reply, 'X-Request-ID', requestId),
    !allow.split(', ').includes('POST') && `${method.reply.request}: Allow does not name POST`,
    ...[invalid, broken].flatMap(({ reply }) => wrongBody(reply, FieldErrors)),
  ])
}

/** The calls that change nothing, should one of them turn out to be open. */
const PROTECTED = Object.entries(DOCUMENT.paths).flatMap(([path, { get }]) =>
  !get?.servers && get?.security?.some((scheme) => 'bearerAuth' in scheme)
    ? [path.replace(/\{\w+\}/g, '1')]
    : [],
)

/** Where the API is served: in its version, and for clients of the former service. */
const BASES = [API_BASE, '/api']

/** RFC 6750 section 3. */
const wrongChallenge = (reply: Reply) => wrongHeader(reply, 'WWW-Authenticate', 'Bearer')

export const checkAuthentication: Check = async ({ call }) => {
  const expected = { status: 401, error: 'AuthenticationError' }
  const calls = BASES.flatMap((base) =>
    PROTECTED.flatMap((path) =>
      [{}, { token: 'smoke.smoke.smoke' }].map((sent) => ({ path: base + path, sent })),
    ),
  )
  const problems = await Promise.all(
    calls.map(async ({ path, sent }) => {
      const reply = await call(path, sent)
      return [...wrongError(reply, { ...expected, path }), wrongChallenge(reply)]
    }),
  )
  return outcome(`401 of ${calls.length} calls, without a token or with a false one`, [
    ...problems.flat(),
    calls.length === 0 && 'the document names no call that needs a token',
  ])
}

/** Both bases are one API, and say which version it is. */
export const checkVersion: Check = async ({ call }) => {
  const replies = await Promise.all(BASES.map((base) => call(`${base}/users/me`)))
  return outcome(
    `API-Version: ${API_VERSION} under ${BASES.join(' and ')}`,
    replies.flatMap((reply) => [
      wrongStatus(reply, 401),
      wrongHeader(reply, 'API-Version', API_VERSION),
    ]),
  )
}

/** An item of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10). */
const items = (name: string, item: string) => new RegExp(`"${name}";${item}(?:,|$)`)

/**
 * One failed login of nobody: all that is written in a test that only reads. Two, if the first was not
 * counted: Redis may be late once.
 */
export const checkLimits: Check = async ({ call, id }) => {
  const body = { username: `smoke-${id}`, password: randomUUID() }
  const logIn = () => call(LOGIN, { method: 'POST', body })
  const first = await logIn()
  const reply = first.headers.has('RateLimit') ? first : await logIn()
  const [policy = '', state = ''] = ['RateLimit-Policy', 'RateLimit'].map(
    (name) => reply.headers.get(name) ?? '',
  )
  const isCounted = policy !== '' && state !== ''
  return outcome(`a failed login is counted: ${policy}`, [
    ...wrongError(reply, { status: 401, error: 'AuthenticationError', path: LOGIN }),
    wrongChallenge(reply),
    !isCounted &&
      `${reply.request} has no RateLimit headers: nothing is counted while Redis is down`,
    ...['api', 'login'].flatMap((rule): Problem[] => [
      isCounted &&
        !items(rule, 'q=\\d+;w=\\d+').test(policy) &&
        `RateLimit-Policy does not name ${rule}`,
      isCounted && !items(rule, 'r=\\d+;t=\\d+').test(state) && `RateLimit does not name ${rule}`,
    ]),
  ])
}
