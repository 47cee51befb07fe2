/**
 * Makes the secrets that only a generator can make. `npm run keys` prints a fresh SECRET_KEY and
 * JWT_SIGNING_KEYS; `npm run keys -- --add "$JWT_SIGNING_KEYS"` adds a key to a set, to rotate it.
 */
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import * as z from 'zod'

/** Bytes of SECRET_KEY: half as many again as SHA-256 needs. */
const SECRET_BYTES = 48

const KeySet = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) })

export const generateSecretKey = () => randomBytes(SECRET_BYTES).toString('base64url')

/** A private JWK Set of one Ed25519 key. The month in its id tells its age. */
export async function generateSigningKeys(now = new Date()): Promise<string> {
  return JSON.stringify({ keys: [await generateSigningKey(now)] })
}

async function generateSigningKey(now: Date): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x, d } = await exportJWK(privateKey)
  const kid = `${now.toISOString().slice(0, 7)}-${randomBytes(4).toString('hex')}`
  return { kty, crv, kid, x, d } as JWK
}

/** The set with a new key behind the others: published, but not signing yet. */
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
        'The new key stands last: it verifies and is published, the first one signs.',
        '1. Deploy this set, and wait 5 minutes for the caches of /.well-known/jwks.json.',
        '2. Move the new key to the front and deploy: it signs from now on.',
        '3. After 15 minutes no token of the old key is valid any more: take it out and deploy.',
      ].join('\n'),
    )
    return
  }
  console.log(`SECRET_KEY=${generateSecretKey()}`)
  console.log(`JWT_SIGNING_KEYS=${await generateSigningKeys()}`)
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch(() => {
    console.error('--add needs a JWK Set as JSON: npm run keys -- --add "$JWT_SIGNING_KEYS"')
    process.exitCode = 1
  })
}
