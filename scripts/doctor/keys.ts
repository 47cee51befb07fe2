import { signAccessToken, verifyAccessToken } from '../../src/tokens/access.ts'
import { deriveKeys } from '../../src/tokens/keys.ts'
import type { Check } from './finding.ts'

const CLAIMS = {
  kind: 'user',
  accountId: 1,
  sessionId: '00000000-0000-4000-8000-000000000000',
  role: 'user',
} as const

/** Each signing key signs what it verifies itself: its two halves belong together. */
export const checkKeys: Check = async ({ secretKey, signingKeys, issuer }) => {
  for (const key of signingKeys) {
    const keys = deriveKeys({ secretKey, signingKeys: [key] })
    const now = Date.now()
    const verified = await signAccessToken(CLAIMS, { keys, issuer, now, ttl: 60 })
      .then((token) => verifyAccessToken(token, { keys, issuer, now }))
      .catch(() => null)
    if (!verified) {
      return [
        {
          about: 'keys',
          level: 'FAIL',
          words: `${key.kid} does not verify what it signs: x and d are of two keys. Make one: npm run keys`,
        },
      ]
    }
  }
  const others = signingKeys.length - 1
  const words = `${signingKeys[0]?.kid} signs${others > 0 ? `, ${others} more verify` : ''}`
  return [{ about: 'keys', level: 'ok', words }]
}
