/**
 * The floor: the least that makes the same trips with the same packages. A `fetch` handler without a
 * framework; no validation, no headers, no log, no errors, no audit trail.
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { neon, neonConfig } from '@neondatabase/serverless'
import { Ratelimit } from '@upstash/ratelimit'
import { Redis } from '@upstash/redis/cloudflare'
import { compare } from 'bcryptjs'
import { importJWK, type JWK, jwtVerify, SignJWT } from 'jose'

type Bindings = Record<
  | 'DATABASE_URL'
  | 'NEON_HTTP_URL'
  | 'UPSTASH_REDIS_REST_URL'
  | 'UPSTASH_REDIS_REST_TOKEN'
  | 'SECRET_KEY'
  | 'JWT_SIGNING_KEYS',
  string
>

const ISSUER = 'urn:accounts:test'
const HEALTH_IS_SHARED_FOR_MS = 5_000
const COLUMNS = `id, username, email, full_name, is_active, is_superuser, created_at, updated_at`

async function connect(env: Bindings) {
  neonConfig.fetchEndpoint = `${env.NEON_HTTP_URL}/sql`
  const redis = new Redis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    enableAutoPipelining: false,
  })
  const { d, ...jwk }: JWK = JSON.parse(env.JWT_SIGNING_KEYS).keys[0]
  return {
    sql: neon(env.DATABASE_URL),
    redis,
    limiter: new Ratelimit({
      redis,
      limiter: Ratelimit.slidingWindow(200, '1 h'),
      prefix: 'floor',
      ephemeralCache: false,
    }),
    kid: jwk.kid ?? '',
    signingKey: await importJWK({ ...jwk, ...(d && { d }) }, 'EdDSA'),
    verifyKey: await importJWK(jwk, 'EdDSA'),
    secretKey: env.SECRET_KEY,
  }
}

type Resources = Awaited<ReturnType<typeof connect>>

let resources: Resources | undefined
let health: { at: number; connected: boolean } | undefined

const limit = ({ limiter }: Resources, request: Request) =>
  limiter.limit(request.headers.get('CF-Connecting-IP') ?? '')

async function verify({ verifyKey }: Resources, request: Request) {
  const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
  const { payload } = await jwtVerify(token, verifyKey, { issuer: ISSUER, algorithms: ['EdDSA'] })
  return payload
}

const mac = (secretKey: string, subject: string) =>
  createHmac('sha256', secretKey).update(subject).digest()

async function tokenPair(r: Resources, accountId: number, sessionId: string, counter: number) {
  const subject = `${sessionId}.${counter}`
  const token = await new SignJWT({ sid: sessionId, id: accountId })
    .setProtectedHeader({ alg: 'EdDSA', kid: r.kid })
    .setIssuer(ISSUER)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(r.signingKey)
  const refreshToken = `${subject}.${mac(r.secretKey, subject).toString('base64url')}`
  return Response.json({ access_token: token, refresh_token: refreshToken, token_type: 'bearer' })
}

async function me(r: Resources, request: Request) {
  const { id } = await verify(r, request)
  const statement = r.sql.query(`select ${COLUMNS} from users where id = $1`, [id])
  const [, [user]] = await Promise.all([limit(r, request), statement])
  return Response.json(user)
}

async function list(r: Resources, request: Request) {
  await verify(r, request)
  const statement = r.sql.query(`select ${COLUMNS} from users order by id desc limit 10`)
  const [, items] = await Promise.all([limit(r, request), statement])
  return Response.json({ items })
}

async function refresh(r: Resources, request: Request) {
  const { refresh_token: token }: { refresh_token: string } = await request.json()
  const [id = '', counter = '', signature = ''] = token.split('.')
  const expected = mac(r.secretKey, `${id}.${counter}`)
  if (!timingSafeEqual(Buffer.from(signature, 'base64url'), expected)) return invalid()
  await limit(r, request)
  const [session] = await r.sql.query(
    `update user_sessions set counter = counter + 1, rotated_at = now(), last_used_at = now()
      where id = $1 and counter = $2 and expires_at > now() returning account_id, counter`,
    [id, counter],
  )
  return session ? tokenPair(r, session['account_id'], id, session['counter']) : invalid()
}

async function login(r: Resources, request: Request) {
  const { username, password }: { username: string; password: string } = await request.json()
  const statement = r.sql.query(
    'select id, hashed_password from users where lower(username) = lower($1)',
    [username],
  )
  const [, [user]] = await Promise.all([limit(r, request), statement])
  if (!user || !(await compare(password, user['hashed_password']))) return invalid()
  const sessionId = crypto.randomUUID()
  await r.sql.query(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
      values ($1, $2, 0, now() + interval '7 days', now() + interval '30 days')`,
    [sessionId, user['id']],
  )
  return tokenPair(r, user['id'], sessionId, 0)
}

async function checkHealth({ sql, redis }: Resources) {
  if (!health || Date.now() - health.at > HEALTH_IS_SHARED_FOR_MS) {
    await Promise.all([sql.query('select 1'), redis.ping()])
    health = { at: Date.now(), connected: true }
  }
  return Response.json({ status: 'healthy', database: health.connected, redis: health.connected })
}

const invalid = () => Response.json({ error: 'AuthenticationError' }, { status: 401 })

const ROUTES: Record<string, (r: Resources, request: Request) => Promise<Response>> = {
  'GET /api/users/me': me,
  'GET /api/admins/users': list,
  'POST /api/users/refresh': refresh,
  'POST /api/users/login': login,
  'GET /health': checkHealth,
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    resources ??= await connect(env)
    const route = ROUTES[`${request.method} ${new URL(request.url).pathname}`]
    return route ? route(resources, request) : new Response(null, { status: 404 })
  },
}
