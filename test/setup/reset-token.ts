/** Reset links without a mail: what the mail queue's consumer does, for tests about using them. */
import { inject } from 'vitest'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { resetToken } from '../../src/tokens/reset.ts'
import { sql } from './database.ts'
import type {} from './world.ts'

/** Makes a reset of this user the valid one, and answers the token of its link. */
export async function resetTokenOf(userId: number): Promise<string> {
  const { bindings } = inject('world')
  const keys = deriveKeys({
    secretKey: bindings['SECRET_KEY'] ?? '',
    signingKeys: JSON.parse(bindings['JWT_SIGNING_KEYS'] ?? '').keys,
  })
  const resetId = crypto.randomUUID()
  await sql(
    `insert into password_resets values ($1, $2, now() + interval '1 hour')
     on conflict (user_id) do update set id = excluded.id, expires_at = excluded.expires_at`,
    [userId, resetId],
  )
  return resetToken(keys, resetId)
}
