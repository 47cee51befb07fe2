import { decodeProtectedHeader, SignJWT } from 'jose'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { roleOf, signAccessToken, verifyAccessToken } from '../../src/tokens/access.ts'
import { resourcesOf } from '../security/attack.ts'

const MINUTE = 60_000
const NOW = Date.UTC(2026, 10, 27)
const CLAIMS = {
  kind: 'user',
  accountId: 1,
  sessionId: '00000000-0000-4000-8000-000000000001',
  role: 'user',
} as const

const issuer = 'urn:test'
/** A set of keys of its own: what is remembered belongs to it. */
const freshKeys = () => ({ ...resourcesOf().keys })
const sign = (keys = freshKeys()) =>
  signAccessToken(CLAIMS, { keys, issuer, now: NOW, ttl: 15 * 60 })

const verifications = vi.spyOn(crypto.subtle, 'verify')
afterEach(() => verifications.mockClear())
afterAll(() => verifications.mockRestore())

test('the signature of a token is verified once', async () => {
  const keys = freshKeys()
  const token = await sign(keys)
  for (const now of [NOW, NOW, NOW + MINUTE, NOW + 15 * MINUTE - 1]) {
    expect(await verifyAccessToken(token, { keys, issuer, now })).toEqual(CLAIMS)
  }
  expect(verifications).toHaveBeenCalledTimes(1)
  // Clocks differ, so that it is valid for seconds more, but no longer remembered.
  const now = NOW + 15 * MINUTE
  expect(await verifyAccessToken(token, { keys, issuer, now })).toEqual(CLAIMS)
  expect(verifications).toHaveBeenCalledTimes(2)
})

test.each([
  ['after it has expired', { now: NOW + 16 * MINUTE }],
  ['before it is valid', { now: NOW - MINUTE }],
  ['for another issuer', { issuer: 'urn:other' }],
  ['with keys that it was not signed with', { keys: { ...freshKeys(), published: [] } }],
])('a token that is remembered is rejected %s', async (_, changed) => {
  const keys = freshKeys()
  const token = await sign(keys)
  expect(await verifyAccessToken(token, { keys, issuer, now: NOW })).toEqual(CLAIMS)
  expect(await verifyAccessToken(token, { keys, issuer, now: NOW, ...changed })).toBeNull()
})

test('a token that only looks like a remembered one is verified', async () => {
  const keys = freshKeys()
  const token = await sign(keys)
  expect(await verifyAccessToken(token, { keys, issuer, now: NOW })).toEqual(CLAIMS)
  const tampered = `${token.slice(0, -6)}AAAAAA`
  expect(await verifyAccessToken(tampered, { keys, issuer, now: NOW })).toBeNull()
})

test('the newest 2,000 tokens are remembered', async () => {
  const keys = freshKeys()
  const first = await sign(keys)
  const verify = (token: string) => verifyAccessToken(token, { keys, issuer, now: NOW })
  await verify(first)
  const others = await Promise.all(Array.from({ length: 2_000 }, () => sign(keys)))
  for (const each of others) await verify(each)
  verifications.mockClear()
  for (const each of others) expect(await verify(each)).toEqual(CLAIMS)
  expect(verifications).not.toHaveBeenCalled()
  expect(await verify(first)).toEqual(CLAIMS)
  expect(verifications).toHaveBeenCalledTimes(1)
})

test.each(['JWT', 'rt+jwt', undefined])(
  'a token of type %s, else genuine, is rejected',
  async (typ) => {
    const keys = freshKeys()
    const { kid } = keys.signing
    const signed = (header: object) =>
      new SignJWT({ sid: CLAIMS.sessionId, id: CLAIMS.accountId, role: CLAIMS.role })
        .setProtectedHeader({ alg: 'EdDSA', kid, ...header })
        .setIssuer(issuer)
        .setAudience('users')
        .setSubject('user:1')
        .setJti('1')
        .setIssuedAt(NOW / 1000)
        .setNotBefore(NOW / 1000)
        .setExpirationTime(NOW / 1000 + 60)
        .sign(keys.signing)
    expect(decodeProtectedHeader(await sign(keys))).toEqual({ alg: 'EdDSA', kid, typ: 'at+jwt' })
    const verify = (token: string) => verifyAccessToken(token, { keys, issuer, now: NOW })
    expect(await verify(await signed({ typ: 'at+jwt' }))).toEqual(CLAIMS)
    expect(await verify(await signed(typ ? { typ } : {}))).toBeNull()
  },
)

test('a key that is broken is an error, not a token that is not genuine', async () => {
  const keys = freshKeys()
  const token = await sign(keys)
  const published = keys.published.map((key) => ({ ...key, x: 'AAAA' }))
  const broken = verifyAccessToken(token, { keys: { ...keys, published }, issuer, now: NOW })
  await expect(broken).rejects.toThrow()
})

test.each([
  ['user', false, 'user'],
  ['user', true, 'superuser'],
  ['admin', false, 'admin'],
  ['admin', true, 'superadmin'],
] as const)('the role of a %s, elevated: %s, is %s', (kind, elevated, role) => {
  expect(roleOf(kind, elevated)).toBe(role)
})
