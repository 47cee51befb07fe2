import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export function randomSecret(): string {
  return randomBytes(24).toString('base64url')
}

/** A random secret, kept in this file, which only its owner can read. Created on the first call. */
export function keptSecret(file: string): string {
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (kept !== '') return kept
  const secret = randomSecret()
  writeFileSync(file, secret, { mode: 0o600 })
  return secret
}
