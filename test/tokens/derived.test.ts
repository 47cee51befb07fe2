import { expect, test } from 'vitest'
import { deriveToken, subjectOf } from '../../src/tokens/derived.ts'
import { readRefreshToken, refreshToken } from '../../src/tokens/refresh.ts'
import { readResetToken, resetToken } from '../../src/tokens/reset.ts'
import { resourcesOf } from '../security/attack.ts'

const { keys } = resourcesOf()
const SESSION = '00000000-0000-4000-8000-000000000001'

test.each(['a', SESSION, `${SESSION}.7`, 'a.b.c', ''])(
  'the subject %j is read again',
  (subject) => {
    const token = deriveToken(keys, 'password-reset', subject)
    // 256 bits in base64url.
    expect(token.slice(0, -43)).toBe(`${subject}.`)
    expect(subjectOf(keys, 'password-reset', token)).toBe(subject)
    expect(subjectOf(keys, 'refresh-token:user', token)).toBeNull()
  },
)

const genuine = deriveToken(keys, 'password-reset', 'a')
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The last of 43 characters has two bits more than 256: four spellings are the same bytes. */
function otherSpelling(token: string) {
  const last = BASE64URL.indexOf(token.slice(-1))
  return token.slice(0, -1) + BASE64URL[last ^ 1]
}

test.each([
  ['spelled otherwise', otherSpelling(genuine)],
  ['with padding', `${genuine}=`],
  ['of another subject', `b${genuine.slice(1)}`],
  ['of a longer subject', `a${genuine}`],
  ['one character short', genuine.slice(0, -1)],
  ['one character long', `${genuine}A`],
  ['a subject alone', 'a'],
  ['a subject and a dot', 'a.'],
  ['a signature alone', genuine.slice(2)],
  ['other bytes as long', `a.${'A'.repeat(43)}`],
  ['empty', ''],
])('a token that is %s has no subject', (_, token) => {
  expect(subjectOf(keys, 'password-reset', token)).toBeNull()
})

test('a refresh token names a session and its counter, for one type of account', () => {
  const token = refreshToken(keys, 'user', { sessionId: SESSION, counter: 41 })
  expect(token).toMatch(new RegExp(`^${SESSION}\\.41\\.`))
  expect(readRefreshToken(keys, 'user', token)).toEqual({ sessionId: SESSION, counter: 41 })
  expect(readRefreshToken(keys, 'admin', token)).toBeNull()
  expect(readRefreshToken(keys, 'user', resetToken(keys, 'user', SESSION))).toBeNull()
  expect(readRefreshToken(keys, 'user', '')).toBeNull()
})

test.each([SESSION, `.1`, `${SESSION}.`, `${SESSION}.2147483647`])(
  '%j, though signed, is no refresh token',
  (subject) => {
    expect(
      readRefreshToken(keys, 'user', deriveToken(keys, 'refresh-token:user', subject)),
    ).toBeNull()
  },
)

test('a refresh token counts as far as PostgreSQL can count on', () => {
  const counter = 2_147_483_646
  const token = refreshToken(keys, 'user', { sessionId: SESSION, counter })
  expect(readRefreshToken(keys, 'user', token)).toEqual({ sessionId: SESSION, counter })
})

test('a reset token names a request for a reset', () => {
  const token = resetToken(keys, 'user', SESSION)
  expect(readResetToken(keys, 'user', token)).toBe(SESSION)
  expect(readResetToken(keys, 'admin', token)).toBeNull()
  expect(readResetToken(keys, 'user', deriveToken(keys, 'refresh-token:user', SESSION))).toBeNull()
})
