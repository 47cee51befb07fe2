/** What may be wrong with a service, and what `npm run smoke` says of it. */
import type { Tampering } from './tampering-proxy.ts'

const changeJson = (body: string, change: (json: any) => void) => {
  const json = JSON.parse(body)
  change(json)
  return JSON.stringify(json)
}

/** Which checks notice, and what they say. */
type Noticed = Record<string, RegExp>

/** By what they are called. */
export const FAULTS: Readonly<Record<string, [Tampering, Noticed]>> = {
  'a stripped header': [
    (_, { headers }) => void headers.delete('Strict-Transport-Security'),
    { headers: /^GET \/health\/live has no Strict-Transport-Security$/ },
  ],
  'a weakened header': [
    (_, { status, headers }) =>
      void (status === 405 && headers.set('X-Frame-Options', 'SAMEORIGIN')),
    { headers: /^DELETE \S+ has X-Frame-Options: SAMEORIGIN instead of DENY$/ },
  ],
  'CORS for everybody': [
    (_, { headers }) => void headers.set('Access-Control-Allow-Origin', '*'),
    { cors: /lets pages of https:\/\/smoke-\w+\.invalid in: access-control-allow-origin$/ },
  ],
  'a gateway page': [
    ({ path }, reply) => {
      if (path !== '/health') return
      Object.assign(reply, { body: '<h1>Welcome to nginx</h1>' })
      reply.headers.set('Content-Type', 'text/html')
    },
    { health: /^GET \/health returns text\/html instead of JSON$/ },
  ],
  'an outage of Redis': [
    ({ path }, reply) => {
      if (path !== '/health') return
      reply.body = changeJson(reply.body, (json) => Object.assign(json.redis, { connected: false }))
    },
    { health: /^Redis is not connected$/ },
  ],
  'a private key': [
    ({ path }, reply) => {
      if (!path.endsWith('jwks.json')) return
      reply.body = changeJson(reply.body, ({ keys }) => Object.assign(keys[0], { d: 'canary' }))
    },
    { jwks: /^GET \S+: keys\.0: Unrecognized key: "d"$/ },
  ],
  'the document of another version': [
    ({ path }, reply) => {
      if (path !== '/openapi.json') return
      reply.body = changeJson(reply.body, ({ paths }) => delete paths['/users/login'])
    },
    { document: /^the document lacks POST \/users\/login$/ },
  ],
  'a file that is missing': [
    ({ path }, reply) => void (path.endsWith('/docs.js') && Object.assign(reply, { status: 404 })),
    { pages: /^HEAD \/assets\/docs\.js returns 404 instead of 200$/ },
  ],
  'a crash': [
    ({ path, method }, reply) => {
      if (path !== '/api/users/login' || method !== 'POST' || reply.status !== 422) return
      Object.assign(reply, {
        status: 500,
        body: 'Error: no\n    at logIn (file:///app/worker.js:1:2)',
      })
    },
    {
      errors: /^POST \/api\/users\/login returns 500 instead of 422$/,
      leaks: /^POST \/api\/users\/login contains a stack trace$/,
    },
  ],
  'an error of another shape': [
    ({ path }, reply) => {
      if (!path.startsWith('/smoke-')) return
      reply.body = JSON.stringify({ detail: 'Not Found' })
    },
    { errors: /^GET \/smoke-\w+: error: Invalid input/ },
  ],
  '405 without Allow': [
    (_, { headers }) => void headers.delete('Allow'),
    { errors: /Allow does not name POST$/ },
  ],
  '401 without a challenge': [
    (_, { headers }) => void headers.delete('WWW-Authenticate'),
    {
      authentication: /^GET \/api\/\S+ has no WWW-Authenticate$/,
      limits: /has no WWW-Authenticate$/,
    },
  ],
  'a protected call that is open': [
    ({ path }, reply) => {
      if (path === '/api/v1/admins/users')
        Object.assign(reply, { status: 200, body: '{"items":[]}' })
    },
    { authentication: /^GET \/api\/v1\/admins\/users returns 200 instead of 401$/ },
  ],
  'a proxy that does not know /api/v1': [
    ({ path }, reply) => {
      if (path !== '/api/v1/users/me') return
      Object.assign(reply, { status: 404, body: 'Not found' })
      reply.headers.delete('API-Version')
    },
    {
      authentication: /^GET \/api\/v1\/users\/me returns 404 instead of 401$/,
      version: /^GET \/api\/v1\/users\/me has no API-Version$/,
    },
  ],
  'a limiter that does not count': [
    (_, { headers }) => {
      for (const name of ['RateLimit', 'RateLimit-Policy']) headers.delete(name)
    },
    { limits: /has no RateLimit headers: nothing is counted while Redis is down$/ },
  ],
  'public metrics': [
    ({ path }, reply) => void (path === '/metrics' && Object.assign(reply, { status: 200 })),
    { metrics: /^GET \/metrics returns 200 without a token$/ },
  ],
  'a server that tells its version': [
    (_, { headers }) => void headers.set('Server', 'nginx/1.18.0'),
    { leaks: /has Server: nginx\/1\.18\.0$/ },
  ],
}
