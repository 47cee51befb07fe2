import { createHash } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import * as z from 'zod/mini'
import { type AccessClaims, accountTypeOf, ROLES } from './access.ts'

/** What the former service's tokens are accepted by, while they are. Times in milliseconds since the epoch. */
type Legacy = {
  /** It signed access and refresh tokens alike, and may be one that people can guess. */
  secretKey: string
  until: number
  /** Seconds: a token that lives longer was not made by the former service. */
  longestLife: number
}

/** `legacy` is undefined where none are accepted. `now` in milliseconds. */
type Reading = { legacy: Legacy | undefined; now: number }

/** The most that an access token has left. What has more is a refresh token: nothing else tells them apart. */
const ACCESS_TOKEN_MS = 15 * 60 * 1000

/** Clocks differ, as in `access.ts`. Only a token too far in the future is given it: none lives on. */
const CLOCK_SKEW_SECONDS = 5

/** What python-jose writes. A `kid`, or the `typ` of a token of ours, is of another token. */
const Header = z.strictObject({ alg: z.literal('HS256'), typ: z.optional(z.literal('JWT')) })

/** Exactly these claims: one with `iss`, `aud` or `sid` is of something else that the secret signed. */
const Claims = z.strictObject({
  id: z.int().check(z.positive(), z.maximum(2_147_483_647)),
  role: z.enum(ROLES),
  exp: z.int(),
})

/**
 * Who an access token of the former service stands for, or null. Whether the account still accepts it is for
 * the database to say: see `isActor`.
 */
export async function readLegacyAccessToken(
  token: string,
  reading: Reading,
): Promise<AccessClaims | null> {
  const found = await verify(token, reading)
  return found && found.left <= ACCESS_TOKEN_MS ? { ...found.claims, legacy: true } : null
}

/** Whose refresh token of the former service this is, and the session that it is exchanged for, or null. */
export async function readLegacyRefreshToken(
  token: string,
  reading: Reading,
): Promise<AccessClaims | null> {
  const found = await verify(token, reading)
  return found && found.left > ACCESS_TOKEN_MS ? found.claims : null
}

/** The token in a reset link of the former service: Python's `secrets.token_urlsafe(32)`. */
const RESET_TOKEN = /^[A-Za-z0-9_-]{43}$/

/** What a reset token of the former service is stored by. */
export const hashLegacyResetToken = (token: string) => createHash('sha256').update(token).digest()

/** That of a token that may be one, as `bytea`, or null. */
export function readLegacyResetToken(token: string, reading: Reading): string | null {
  if (!isOn(reading) || !RESET_TOKEN.test(token)) return null
  return `\\x${hashLegacyResetToken(token).toString('hex')}`
}

const isOn = (reading: Reading): reading is Reading & { legacy: Legacy } =>
  reading.legacy !== undefined && reading.now < reading.legacy.until

/**
 * What a genuine token claims, and the milliseconds that it has left. The id of its session comes from what was
 * signed, so that it has one however its signature is spelled, and whatever our keys are; the id tells nothing
 * of the token, and is none.
 */
async function verify(token: string, reading: Reading) {
  if (!isOn(reading)) return null
  const { legacy, now } = reading
  try {
    const { payload, protectedHeader } = await jwtVerify(token, Buffer.from(legacy.secretKey), {
      algorithms: ['HS256'],
      requiredClaims: ['exp'],
      currentDate: new Date(now),
    })
    const { data } = Claims.safeParse(payload)
    if (!data || !Header.safeParse(protectedHeader).success) return null
    const left = data.exp * 1000 - now
    if (left > 1000 * (legacy.longestLife + CLOCK_SKEW_SECONDS)) return null
    const { id: accountId, role } = data
    const sessionId = uuidOf(`legacy-token:${token.slice(0, token.lastIndexOf('.'))}`)
    return { claims: { kind: accountTypeOf(role), accountId, role, sessionId }, left }
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

/** A UUID of version 8 (RFC 9562 section 5.8): 122 bits of the SHA-256 of a text. */
function uuidOf(text: string) {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
