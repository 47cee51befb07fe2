import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export function randomSecret(): string {
  return randomBytes(24).toString('base64url')
}

/** A random secret that is kept in this file, for its owner alone; made if the file isn't there. */
export function keptSecret(file: string): string {
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (kept !== '') return kept
  const secret = randomSecret()
  writeFileSync(file, secret, { mode: 0o600 })
  return secret
}
