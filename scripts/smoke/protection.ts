import { DEFAULTS, SECURITY_HEADERS } from '../../src/middleware/response-headers.ts'
import type { Reply } from './call.ts'
import { type Check, outcome, type Problem } from './check.ts'
import { wrongHeader, wrongStatus } from './shape.ts'

/** Responses of each kind, by their status. */
const SAMPLES = [
  { status: 200, path: '/health/live' },
  { status: 401, path: '/api/users/me' },
  { status: 404, path: '/api/smoke' },
  { status: 405, path: '/health/live', method: 'DELETE' },
]

export const checkHeaders: Check = async ({ call }) => {
  const problems = await Promise.all(
    SAMPLES.map(async ({ status, path, method = 'GET' }) => {
      const reply = await call(path, { method })
      return [
        wrongStatus(reply, status),
        ...[...SECURITY_HEADERS, ...DEFAULTS].map(([name, value]) =>
          wrongHeader(reply, name, value),
        ),
        !UUID.test(reply.headers.get('X-Request-ID') ?? '') &&
          `${reply.request} has no X-Request-ID that is a UUID`,
      ]
    }),
  )
  return outcome(
    `the eight security headers on ${SAMPLES.map(({ status }) => status).join(', ')}`,
    problems.flat(),
  )
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

const API_CALL = '/api/users/me'

const corsHeaders = ({ headers }: Reply) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

/** A preflight and a call of a page on `origin`. */
async function asBrowser(call: Parameters<Check>[0]['call'], origin: string) {
  const asked = {
    'Access-Control-Request-Method': 'PUT',
    'Access-Control-Request-Headers': 'authorization,content-type',
  }
  return Promise.all([
    call(API_CALL, { method: 'OPTIONS', headers: { Origin: origin, ...asked } }),
    call(API_CALL, { headers: { Origin: origin } }),
  ])
}

/** Origins that no configuration lists: reserved (RFC 6761), and that of a sandboxed page. */
const unlisted = (id: string) => [`https://smoke-${id}.invalid`, 'null']

export const checkCors: Check = async ({ call, id, origin }) => {
  const rejected = await Promise.all(
    unlisted(id).map(async (stranger) =>
      (await asBrowser(call, stranger)).flatMap((reply): Problem[] => [
        corsHeaders(reply).length > 0 &&
          `${reply.request} lets pages of ${stranger} in: ${corsHeaders(reply).join(', ')}`,
        !/\bOrigin\b/i.test(reply.headers.get('Vary') ?? '') &&
          `${reply.request} does not vary by Origin: a cache would mix origins up`,
      ]),
    ),
  )
  if (origin === undefined) {
    return outcome('strangers are rejected (--origin checks a frontend of yours)', rejected.flat())
  }
  const [preflight, actual] = await asBrowser(call, origin)
  const lists = (reply: Reply, header: string, ...values: string[]): Problem[] => {
    const listed = (reply.headers.get(header) ?? '').toLowerCase().split(/\s*,\s*/)
    return values.map(
      (value) =>
        !listed.includes(value.toLowerCase()) &&
        `${reply.request} from ${origin}: ${header} does not list ${value}`,
    )
  }
  return outcome(`${origin} may call, strangers may not`, [
    ...rejected.flat(),
    wrongStatus(preflight, 204),
    ...[preflight, actual].flatMap((reply) => [
      wrongHeader(reply, 'Access-Control-Allow-Origin', origin),
      wrongHeader(reply, 'Access-Control-Allow-Credentials', 'true'),
    ]),
    ...lists(preflight, 'Access-Control-Allow-Methods', 'PUT', 'PATCH', 'DELETE'),
    ...lists(preflight, 'Access-Control-Allow-Headers', 'Authorization', 'Content-Type'),
    ...lists(actual, 'Access-Control-Expose-Headers', 'X-Request-ID', 'Retry-After', 'RateLimit'),
  ])
}

/** What frameworks add. */
const LEAKY_HEADERS = ['X-Powered-By', 'X-AspNet-Version', 'X-Runtime']

/** A line of a stack trace, or a file of the bundle. */
const STACK = /\bat (?:async )?[\w.<>]* ?\(?(?:file|https?|node):|worker\.js:\d|\/node_modules\//

/** Responses tell nothing about what serves them. */
export const checkLeaks: Check = async ({ call }) => {
  const replies = await Promise.all([
    call('/'),
    call('/%00'),
    call('/api/users/me', { token: 'x' }),
    call('/api/users/login', { method: 'POST', body: { username: ['x'], password: null } }),
  ])
  return outcome('no server version, no stack trace', [
    ...replies.flatMap(({ request, headers, text, status }): Problem[] => [
      ...LEAKY_HEADERS.map(
        (name) => headers.has(name) && `${request} has ${name}: ${headers.get(name)}`,
      ),
      /\d/.test(headers.get('Server') ?? '') && `${request} has Server: ${headers.get('Server')}`,
      STACK.test(text) && `${request} contains a stack trace`,
      status >= 500 && `${request} returns ${status}`,
    ]),
  ])
}
