/**
 * Sequential trips are what a caller at the edge waits for, so each call has a budget of them: here
 * they are counted on the wire. Trips side by side are one step; mails go to the queue after the
 * answer, but for forgot-password, whose answer waits for its message.
 */
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshName, logIn, newAdmin, newUser, PASSWORD } from './setup/accounts.ts'
import { environment, freshAddress, visitor } from './setup/api.ts'
import { emptyDatabase } from './setup/database.ts'
import { resetTokenOf } from './setup/reset-token.ts'
import { watchedWorker } from './setup/trips.ts'

const NEW_PASSWORD = 'another horse'

const world = await watchedWorker()
const { caller, watch } = world
// Redis knows the limiter's script from here on: EVALSHA is one trip, EVAL after NOSCRIPT are two.
const user = await newUser(caller)
const other = await newUser(caller)
const admin = await newAdmin({ superadmin: true, caller })
const emptied = visitor({ env: environment({ ...world.env, DATABASE_URL: await emptyDatabase() }) })

const asUser = { token: user.access_token }
const asAdmin = { token: admin.access_token }
const account = (name = freshName()) => ({
  ...{ username: name, email: `${name}@example.com`, password: PASSWORD },
})
const login = { username: user.username, password: PASSWORD }
const sessionOf = ({ access_token }: { access_token: string }) => decodeJwt(access_token)['sid']

const NONE: string[] = []
const READ = ['redis + postgres']
const WRITE = ['redis', 'postgres']
const PROOF = ['redis + postgres', 'postgres']

type Calls = [name: string, status: number, steps: string[], call: () => ReturnType<typeof caller.get>][]

const system: Calls = [
  ['GET /', 200, NONE, () => caller.get('/')],
  ['GET /health', 200, READ, () => caller.get('/health')],
  ['GET /health, soon after', 200, NONE, () => caller.get('/health')],
  ['GET /health/live', 200, NONE, () => caller.get('/health/live')],
  ['GET /docs', 200, NONE, () => caller.get('/docs')],
  ['GET /openapi.json', 200, NONE, () => caller.get('/openapi.json')],
  ['GET /.well-known/jwks.json', 200, NONE, () => caller.get('/.well-known/jwks.json')],
  ['GET /nothing', 404, NONE, () => caller.get('/nothing')],
]

const users: Calls = [
  ['POST /api/users/register', 201, WRITE, () => caller.post('/api/users/register', account())],
  [
    'POST /api/users/register, taken',
    409,
    WRITE,
    () => caller.post('/api/users/register', account(user.username)),
  ],
  [
    'POST /api/users/register, rejected input',
    422,
    NONE,
    () => caller.post('/api/users/register', { username: 'x' }),
  ],
  ['POST /api/users/login', 200, PROOF, () => caller.post('/api/users/login', login)],
  [
    'POST /api/users/login, wrong password',
    401,
    PROOF,
    () => caller.post('/api/users/login', { ...login, password: 'wrong' }),
  ],
  [
    'POST /api/users/login, unknown',
    401,
    PROOF,
    () => caller.post('/api/users/login', { username: freshName(), password: 'wrong' }),
  ],
  [
    'POST /api/users/refresh',
    200,
    WRITE,
    () => caller.post('/api/users/refresh', { refresh_token: user.refresh_token }),
  ],
  [
    'POST /api/users/refresh, bad signature',
    401,
    NONE,
    () => caller.post('/api/users/refresh', { refresh_token: `${user.refresh_token}x` }),
  ],
  ['GET /api/users/me', 200, READ, () => caller.get('/api/users/me', asUser)],
  ['GET /api/users/me, no token', 401, NONE, () => caller.get('/api/users/me')],
  [
    'GET /api/users/me, bad signature',
    401,
    NONE,
    () => caller.get('/api/users/me', { token: `${user.access_token}x` }),
  ],
  ['GET /api/users/me, an admin', 403, NONE, () => caller.get('/api/users/me', asAdmin)],
  [
    'PUT /api/users/me',
    200,
    WRITE,
    () => caller.put('/api/users/me', { email: `${freshName()}@example.com` }, asUser),
  ],
  ['GET /api/users/me/sessions', 200, READ, () => caller.get('/api/users/me/sessions', asUser)],
  [
    'DELETE /api/users/me/sessions',
    204,
    WRITE,
    () => caller.delete('/api/users/me/sessions', undefined, asUser),
  ],
  [
    'DELETE /api/users/me/sessions/{id}',
    404,
    WRITE,
    () => caller.delete(`/api/users/me/sessions/${crypto.randomUUID()}`, undefined, asUser),
  ],
  [
    'POST /api/users/change-password',
    200,
    PROOF,
    () =>
      caller.post(
        '/api/users/change-password',
        { current_password: PASSWORD, new_password: NEW_PASSWORD },
        asUser,
      ),
  ],
  [
    'DELETE /api/users/me',
    204,
    PROOF,
    () => caller.delete('/api/users/me', { password: NEW_PASSWORD }, asUser),
  ],
  [
    'POST /api/users/logout',
    204,
    WRITE,
    () => caller.post('/api/users/logout', { refresh_token: other.refresh_token }),
  ],
  [
    'POST /api/users/logout, bad signature',
    204,
    NONE,
    () => caller.post('/api/users/logout', { refresh_token: 'garbage' }),
  ],
]
