import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  readLegacyAccessToken,
  readLegacyRefreshToken,
  readLegacyResetToken,
} from '../../src/tokens/legacy.ts'
import { LEGACY_SECRET, signLegacy } from '../setup/legacy.ts'
import { UUID } from '../setup/shapes.ts'

const DAY = 24 * 60 * 60
const NOW = Date.UTC(2026, 11, 1, 12)
const AT = NOW / 1000

const legacy = { secretKey: LEGACY_SECRET, until: NOW + 1000 * DAY, longestLife: 7 * DAY }
const reading = { legacy, now: NOW }

type Use = 'access' | 'refresh' | null

async function useOf(token: string, at: Parameters<typeof readLegacyAccessToken>[1] = reading) {
  const access = await readLegacyAccessToken(token, at)
  const refresh = await readLegacyRefreshToken(token, at)
  expect(access && refresh).toBeNull() // Never both.
  return access ? 'access' : refresh ? 'refresh' : null
}

const leaving = (left: number) => signLegacy({ id: 42, role: 'user', exp: AT + left })

describe('by the time left', () => {
  test.each<[left: number, use: Use]>([
    [-1, null],
    [0, null],
    [1, 'access'],
    [15 * 60 - 1, 'access'],
    [15 * 60, 'access'],
    [15 * 60 + 1, 'refresh'],
    [7 * DAY, 'refresh'],
    [7 * DAY + 5, 'refresh'],
    [7 * DAY + 6, null],
    [365 * DAY, null],
  ])('a token with %i seconds left is taken for: %s', async (left, use) => {
    expect(await useOf(leaving(left))).toBe(use)
  })

  test('a millisecond more than 15 minutes is a refresh token, as is one of 30 days where they live so long', async () => {
    expect(await useOf(leaving(15 * 60), { legacy, now: NOW - 1 })).toBe('refresh')
    const longer = { ...legacy, longestLife: 30 * DAY }
    expect(await useOf(leaving(30 * DAY), { legacy: longer, now: NOW })).toBe('refresh')
  })

  test('no token is accepted from `until` on, or without a secret', async () => {
    for (const left of [600, DAY]) {
      const token = leaving(left)
      expect(await useOf(token, { legacy: { ...legacy, until: NOW + 1 }, now: NOW })).not.toBeNull()
      expect(await useOf(token, { legacy: { ...legacy, until: NOW }, now: NOW })).toBeNull()
      expect(await useOf(token, { legacy: undefined, now: NOW })).toBeNull()
    }
  })
})

test('a token stands for the account of its role; what was a refresh token has the same session id as an access token', async () => {
  for (const [role, kind] of [
    ['user', 'user'],
    ['superuser', 'user'],
    ['admin', 'admin'],
    ['superadmin', 'admin'],
  ]) {
    const token = signLegacy({ id: 42, role, exp: AT + 60 })
    const sessionId = expect.stringMatching(UUID)
    const access = await readLegacyAccessToken(token, reading)
    expect(access).toEqual({ kind, role, accountId: 42, sessionId, legacy: true })
    const before = await readLegacyRefreshToken(token, { legacy, now: NOW - 3_600_000 })
    expect(before).toEqual({ kind, role, accountId: 42, sessionId: access?.sessionId })
  }
})

test('tokens that python-jose 3.3.0 made are read', async () => {
  const head = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'
  const access = `${head}.eyJpZCI6NDIsInJvbGUiOiJ1c2VyIiwiZXhwIjoxNzk2MTI3MDAwfQ.r80fKJ1cx5Ku98ZkS3TPovOpCX3TGtG-aPFw0u9jQ2E`
  const refresh = `${head}.eyJpZCI6Nywicm9sZSI6InN1cGVyYWRtaW4iLCJleHAiOjE3OTY2NDU0MDB9.wFAwVqV4wD97LJpuPbP_x5dlLSNZ5pcdrqtFdhUuL_o`
  expect(await readLegacyAccessToken(access, reading)).toMatchObject({
    accountId: 42,
    role: 'user',
  })
  expect(await readLegacyRefreshToken(refresh, reading)).toMatchObject({
    ...{ kind: 'admin', accountId: 7 },
  })
})

test('a refresh token has one session id, however its signature is spelled; any other token has another', async () => {
  const token = leaving(DAY)
  const found = await readLegacyRefreshToken(token, reading)
  expect(found?.sessionId).toMatch(UUID)
  // 43 characters have 258 bits, of which the signature has 256: the last character has four spellings.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.slice(-1))
  const spelled = [0, 1, 2, 3].map((bits) => token.slice(0, -1) + alphabet[(last & ~3) | bits])
  for (const same of spelled) expect(await readLegacyRefreshToken(same, reading)).toEqual(found)
  const others = [leaving(DAY + 1), signLegacy({ id: 42, role: 'admin', exp: AT + DAY })]
  for (const other of others) {
    const { sessionId } = (await readLegacyRefreshToken(other, reading)) ?? {}
    expect(sessionId).toMatch(UUID)
    expect(sessionId).not.toBe(found?.sessionId)
  }
})

const valid = { id: 42, role: 'user', exp: AT + 600 }
const [head = '', payload = '', signature = ''] = signLegacy(valid).split('.')
const encode = (text: string) => Buffer.from(text).toString('base64url')
const { privateKey } = (await crypto.subtle.generateKey('Ed25519', true, [
  'sign',
  'verify',
])) as CryptoKeyPair

test.each<[what: string, token: string | Promise<string>]>([
  ['alg none', `${encode('{"alg":"none","typ":"JWT"}')}.${payload}.`],
  ['alg none and the signature', `${encode('{"alg":"none"}')}.${payload}.${signature}`],
  ['alg HS512', signLegacy(valid, { header: { alg: 'HS512' }, hash: 'sha512' })],
  ['alg HS384', signLegacy(valid, { header: { alg: 'HS384' }, hash: 'sha384' })],
  ['alg HS512, signed as HS256', signLegacy(valid, { header: { alg: 'HS512' } })],
  ['alg EdDSA, signed as HS256', signLegacy(valid, { header: { alg: 'EdDSA' } })],
  ['alg EdDSA', new SignJWT(valid).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)],
  ['no alg', signLegacy(valid, { header: { alg: undefined } })],
  ['another secret', signLegacy(valid, { secret: `${LEGACY_SECRET}!` })],
  ['an empty secret', signLegacy(valid, { secret: '' })],
  ['no signature', `${head}.${payload}.`],
  ['two parts', `${head}.${payload}`],
  ['five parts', `${head}.${payload}.${signature}.AAAA.AAAA`],
  ['a kid', signLegacy(valid, { header: { kid: 'legacy' } })],
  ['the type of new access tokens', signLegacy(valid, { header: { typ: 'at+jwt' } })],
  ['a critical header', signLegacy(valid, { header: { crit: ['x'], x: 1 } })],
  ['an unencoded payload', signLegacy(valid, { header: { crit: ['b64'], b64: false } })],
  ['no exp', signLegacy({ ...valid, exp: undefined })],
  ['exp null', signLegacy({ ...valid, exp: null })],
  ['exp as text', signLegacy({ ...valid, exp: String(AT + 600) })],
  ['exp with a fraction', signLegacy({ ...valid, exp: AT + 600.5 })],
  ['exp in milliseconds', signLegacy({ ...valid, exp: NOW + 600_000 })],
  ['no id', signLegacy({ ...valid, id: undefined })],
  ['id as text', signLegacy({ ...valid, id: '42' })],
  ['id 0', signLegacy({ ...valid, id: 0 })],
  ['a negative id', signLegacy({ ...valid, id: -42 })],
  ['id with a fraction', signLegacy({ ...valid, id: 42.5 })],
  ['an id that PostgreSQL has no integer for', signLegacy({ ...valid, id: 2 ** 31 })],
  ['an id that is a list', signLegacy({ ...valid, id: [42] })],
  ['no role', signLegacy({ ...valid, role: undefined })],
  ['an unknown role', signLegacy({ ...valid, role: 'root' })],
  ['the role of another case', signLegacy({ ...valid, role: 'Admin' })],
  ['the role __proto__', signLegacy({ ...valid, role: '__proto__' })],
  ['iss', signLegacy({ ...valid, iss: 'urn:accounts:test' })],
  ['aud', signLegacy({ ...valid, aud: 'users' })],
  ['iat', signLegacy({ ...valid, iat: AT })],
  ['nbf', signLegacy({ ...valid, nbf: AT })],
  ['sid', signLegacy({ ...valid, sid: crypto.randomUUID() })],
  ['a list for claims', signLegacy([valid])],
  ['null for claims', signLegacy(null)],
  ['nothing', ''],
  ['8 KB of dots', '.'.repeat(8192)],
])('a token with %s is of no kind', async (_, token) => {
  expect(await useOf(await token)).toBeNull()
})

test('any text is a secret, also one that is short or not ASCII', async () => {
  for (const secretKey of ['x', 'pässwörd 🔑', ' secret ', 'k'.repeat(500)]) {
    const token = signLegacy(valid, { secret: secretKey })
    expect(await useOf(token, { legacy: { ...legacy, secretKey }, now: NOW })).toBe('access')
    expect(await useOf(token)).toBeNull()
  }
})

describe('reset tokens', () => {
  const token = 'Zx3_kq-9VtY0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0u'

  test('are found by the SHA-256 of the token as it stands in the link', () => {
    const hash = createHash('sha256').update(token).digest('hex')
    expect(readLegacyResetToken(token, reading)).toBe(`\\x${hash}`)
  })

  test.each([
    ['shorter', token.slice(1)],
    ['longer', `${token}A`],
    ['padded', `${token}=`],
    ['with a line break', `${token}\n`],
    ['with another character', `${token.slice(1)}+`],
    ['of this service', `${crypto.randomUUID()}.${token}`],
  ])('%s are none', (_, given) => {
    expect(readLegacyResetToken(given, reading)).toBeNull()
  })

  test('are none from `until` on, or without a secret', () => {
    expect(readLegacyResetToken(token, { legacy: { ...legacy, until: NOW }, now: NOW })).toBeNull()
    expect(readLegacyResetToken(token, { legacy: undefined, now: NOW })).toBeNull()
  })
})
