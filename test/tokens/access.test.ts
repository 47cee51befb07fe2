import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { signAccessToken, verifyAccessToken } from '../../src/tokens/access.ts'
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
  for (const now of [NOW, NOW + MINUTE, NOW + 14 * MINUTE]) {
    expect(await verifyAccessToken(token, { keys, issuer, now })).toEqual(CLAIMS)
  }
  expect(verifications).toHaveBeenCalledTimes(1)
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
  for (let n = 0; n < 2_000; n++) await verify(await sign(keys))
  verifications.mockClear()
  expect(await verify(first)).toEqual(CLAIMS)
  expect(verifications).toHaveBeenCalledTimes(1)
})
