import { createLocalJWKSet, errors, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod/mini'
import type { AccountType, Principal } from '../db/accounts.ts'
import type { Keys } from './keys.ts'

/** Clocks differ; more than this is not drift (requirement 12 in docs/security.md: at most 5 s). */
const CLOCK_SKEW_SECONDS = 5

/** The most that `ACCESS_TOKEN_EXPIRE_MINUTES` may be: an older token was never ours, even if its `exp` says otherwise. */
const LONGEST_LIFE_SECONDS = 60 * 60

/** RFC 9068: says what the token is, so that no other JWT of ours passes for one. */
const TYPE = 'at+jwt'

const AUDIENCE = { user: 'users', admin: 'admins' } as const satisfies Record<AccountType, string>

export const ROLES = ['user', 'superuser', 'admin', 'superadmin'] as const

const Claims = z.object({
  aud: z.enum(AUDIENCE),
  sub: z.string(),
  sid: z.uuid(),
  id: z.int().check(z.positive()),
  role: z.enum(ROLES),
  exp: z.int(),
  iat: z.int(),
  nbf: z.int(),
})

export type Role = (typeof ROLES)[number]

/** The role that frontends read from the claim. `elevated`: the account is a superuser or superadmin. */
export const roleOf = (accountType: AccountType, elevated: boolean): Role =>
  accountType === 'user' ? (elevated ? 'superuser' : 'user') : elevated ? 'superadmin' : 'admin'

/** Whose role it is. */
export const accountTypeOf = (role: Role): AccountType =>
  role === 'user' || role === 'superuser' ? 'user' : 'admin'

export type AccessClaims = Principal & { role: Role }

/** Where a token comes from and when it expires. `now` in milliseconds, `ttl` in seconds. */
export type Issuance = { keys: Keys; issuer: string; now: number; ttl: number }

/** Signs an access token (RFC 9068, EdDSA by RFC 8037). `id` and `role` are there for frontends. */
export function signAccessToken(claims: AccessClaims, { keys, issuer, now, ttl }: Issuance) {
  const seconds = Math.floor(now / 1000)
  return new SignJWT({ sid: claims.sessionId, id: claims.accountId, role: claims.role })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: keys.signing.kid })
    .setIssuer(issuer)
    .setAudience(AUDIENCE[claims.kind])
    .setSubject(`${claims.kind}:${claims.accountId}`)
    .setJti(crypto.randomUUID())
    .setIssuedAt(seconds)
    .setNotBefore(seconds)
    .setExpirationTime(seconds + ttl)
    .sign(keys.signing)
}

/**
 * The claims of a genuine access token, or null. Algorithm, type, issuer, audience and times are
 * pinned and required (RFC 8725); the key is one of ours, no matter what the header points to.
 *
 * Signatures are verified once: the newest genuine tokens are remembered until they expire. That a
 * session has ended is not remembered: the database says so at every call.
 */
export async function verifyAccessToken(
  token: string,
  { keys, issuer, now }: Omit<Issuance, 'ttl'>,
): Promise<AccessClaims | null> {
  const { keySet, genuine } = memoryOf(keys)
  const known = genuine.get(token)
  if (known && known.issuer === issuer && known.since <= now && now < known.until) {
    return known.claims
  }
  const verified = await verify(token, { keySet, issuer, now })
  if (!verified) return null
  const oldest = genuine.keys().next()
  if (genuine.size >= REMEMBERED_TOKENS && !oldest.done) genuine.delete(oldest.value)
  genuine.set(token, { ...verified, issuer, since: now })
  return verified.claims
}

type Verification = { keySet: JWTVerifyGetKey; issuer: string; now: number }

/** `until` in milliseconds since the epoch. */
type Verified = { claims: AccessClaims; until: number }

async function verify(
  token: string,
  { keySet, issuer, now }: Verification,
): Promise<Verified | null> {
  try {
    const { payload } = await jwtVerify(token, keySet, {
      algorithms: ['EdDSA'],
      typ: TYPE,
      issuer,
      audience: Object.values(AUDIENCE),
      requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'jti'],
      maxTokenAge: LONGEST_LIFE_SECONDS,
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(now),
    })
    const { data: claims } = Claims.safeParse(payload)
    if (!claims) return null
    const kind = claims.aud === AUDIENCE.user ? 'user' : 'admin'
    if (claims.sub !== `${kind}:${claims.id}`) return null
    return {
      claims: { kind, accountId: claims.id, sessionId: claims.sid, role: claims.role },
      until: 1000 * Math.min(claims.exp, claims.iat + LONGEST_LIFE_SECONDS),
    }
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

/** Of a set of keys. A token and its claims are about a kilobyte: two megabytes at most. */
const REMEMBERED_TOKENS = 2_000

type Memory = {
  /** The lookup by `kid`: jose keeps the imported keys in it. */
  keySet: JWTVerifyGetKey
  /** Oldest first. */
  genuine: Map<string, Verified & { issuer: string; since: number }>
}

const memories = new WeakMap<Keys, Memory>()

function memoryOf(keys: Keys): Memory {
  const known = memories.get(keys)
  if (known) return known
  const keySet = createLocalJWKSet({ keys: [...keys.published] })
  const memory: Memory = { keySet, genuine: new Map() }
  memories.set(keys, memory)
  return memory
}
