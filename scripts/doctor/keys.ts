import { signAccessToken, verifyAccessToken } from '../../src/tokens/access.ts'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { type Check, fail, ok } from './finding.ts'

const CLAIMS = {
  kind: 'user',
  accountId: 1,
  sessionId: '00000000-0000-4000-8000-000000000000',
  role: 'user',
} as const

/** Each signing key verifies its own signature, so its public and private parts match. */
export const checkKeys: Check = async ({ secretKey, signingKeys, issuer }) => {
  for (const key of signingKeys) {
    const keys = deriveKeys({ secretKey, signingKeys: [key] })
    const now = Date.now()
    const verified = await signAccessToken(CLAIMS, { keys, issuer, now, ttl: 60 })
      .then((token) => verifyAccessToken(token, { keys, issuer, now }))
      .catch(() => null)
    if (!verified) {
      const problem = `x and d of ${key.kid} do not belong to the same key`
      return [fail('keys', `${problem}. Generate a new one: npm run keys`)]
    }
  }
  const others = signingKeys.length - 1
  const verifying = others > 0 ? `, ${others} more can verify` : ''
  return [ok('keys', `${signingKeys[0]?.kid} signs${verifying}`)]
}
