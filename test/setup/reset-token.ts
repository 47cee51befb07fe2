import { inject } from 'vitest'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { resetToken } from '../../src/tokens/reset.ts'
import { sql } from './database.ts'
import type {} from './world.ts'

/** Creates a reset as the consumer of the mail queue does, and returns the token of its link. */
export async function resetTokenOf(userId: number, minutes = 60): Promise<string> {
  const { bindings } = inject('world')
  const keys = deriveKeys({
    secretKey: bindings['SECRET_KEY'] ?? '',
    signingKeys: JSON.parse(bindings['JWT_SIGNING_KEYS'] ?? '').keys,
  })
  const resetId = crypto.randomUUID()
  await sql(
    `insert into password_resets values ($1, $2, now() + make_interval(mins => $3))
     on conflict (user_id) do update set id = excluded.id, expires_at = excluded.expires_at`,
    [userId, resetId, minutes],
  )
  return resetToken(keys, resetId)
}
