/** Fresh secrets. Imports nothing of src: `npm run dev` makes its keys by it. */
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** For SECRET_KEY and the tokens of the environment. HMAC-SHA-256 needs 32. */
const SECRET_BYTES = 48

export const generateSecretKey = () => randomBytes(SECRET_BYTES).toString('base64url')

/** A private JWK Set with one Ed25519 key. The key id starts with the month it was created. */
export async function generateSigningKeys(now = new Date()): Promise<string> {
  return JSON.stringify({ keys: [await generateSigningKey(now)] })
}

export async function generateSigningKey(now: Date): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x, d } = await exportJWK(privateKey)
  const kid = `${now.toISOString().slice(0, 7)}-${randomBytes(4).toString('hex')}`
  return { kty, crv, kid, x, d } as JWK
}
