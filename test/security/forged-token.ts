/** Tokens that were never issued, some of them under our real key. */
import { importJWK, type JWK, type JWTPayload } from 'jose'
import { resourcesOf } from './attack.ts'

const { keys } = resourcesOf()

const signingKey = await importJWK(keys.signing as JWK, 'EdDSA')

/** A part of a JWT. */
export const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token, taken apart. */
export function partsOf(token: string) {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())
  return { header, payload, signature, head: read(header), claims: read(payload) as JWTPayload }
}

/** This header and payload under our real key: what a bug or another program of ours could sign. */
export async function sealed(header: unknown, payload: string) {
  const text = `${part(header)}.${Buffer.from(payload).toString('base64url')}`
  const signature = await crypto.subtle.sign('Ed25519', signingKey as CryptoKey, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

/** A genuine token but for these claims and header fields; `undefined` leaves one out. */
export function resigned(
  token: string,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
) {
  const genuine = partsOf(token)
  return sealed({ ...genuine.head, ...header }, JSON.stringify({ ...genuine.claims, ...claims }))
}
