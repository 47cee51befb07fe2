/**
 * Generates keys. `npm run keys` prints a new SECRET_KEY, JWT_SIGNING_KEYS and ADMIN_BOOTSTRAP_TOKEN. For
 * key rotation, `npm run keys -- --add "$JWT_SIGNING_KEYS"` adds a key to the set.
 */
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import * as z from 'zod'

/** For SECRET_KEY and ADMIN_BOOTSTRAP_TOKEN. HMAC-SHA-256 needs 32. */
const SECRET_BYTES = 48

const KeySet = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) })

export const generateSecretKey = () => randomBytes(SECRET_BYTES).toString('base64url')

/** A private JWK Set with one Ed25519 key. The key id starts with the month it was created. */
export async function generateSigningKeys(now = new Date()): Promise<string> {
  return JSON.stringify({ keys: [await generateSigningKey(now)] })
}

async function generateSigningKey(now: Date): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x, d } = await exportJWK(privateKey)
  const kid = `${now.toISOString().slice(0, 7)}-${randomBytes(4).toString('hex')}`
  return { kty, crv, kid, x, d } as JWK
}

/** The set with a new key at the end: it is published but does not sign yet. */
async function addSigningKey(set: string): Promise<string> {
  const { keys } = KeySet.parse(JSON.parse(set))
  return JSON.stringify({ keys: [...keys, await generateSigningKey(new Date())] })
}

async function main([flag, set]: string[]) {
  if (flag === '--add' && set) {
    console.log(await addSigningKey(set))
    console.error(
      [
        '',
        'The new key is last: it verifies and is published, but the first key signs.',
        '1. Deploy this set. Wait 5 minutes, until caches of /.well-known/jwks.json have expired.',
        '2. Move the new key to the front and deploy. It now signs.',
        '3. After 15 minutes all tokens of the old key have expired. Remove the old key and deploy.',
      ].join('\n'),
    )
    return
  }
  console.log(`SECRET_KEY=${generateSecretKey()}`)
  console.log(`JWT_SIGNING_KEYS=${await generateSigningKeys()}`)
  console.log(`ADMIN_BOOTSTRAP_TOKEN=${generateSecretKey()}`)
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch(() => {
    console.error('--add needs a JWK Set as JSON: npm run keys -- --add "$JWT_SIGNING_KEYS"')
    process.exitCode = 1
  })
}
