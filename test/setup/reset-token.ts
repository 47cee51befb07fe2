import { inject } from 'vitest'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { resetToken } from '../../src/tokens/reset.ts'
import { mailsTo } from './accounts.ts'
import { sql } from './database.ts'
import type {} from './world.ts'

const TABLES = {
  user: { resets: 'password_resets', owner: 'user_id' },
  admin: { resets: 'admin_password_resets', owner: 'admin_id' },
}

/** Creates a reset as the consumer of the mail queue does, and returns the token of its link. */
export async function resetTokenOf(
  accountId: number,
  minutes = 60,
  accountType: keyof typeof TABLES = 'user',
): Promise<string> {
  const { bindings } = inject('world')
  const keys = deriveKeys({
    secretKey: bindings['SECRET_KEY'] ?? '',
    signingKeys: JSON.parse(bindings['JWT_SIGNING_KEYS'] ?? '').keys,
  })
  const resetId = crypto.randomUUID()
  const { resets, owner } = TABLES[accountType]
  await sql(
    `insert into ${resets} (${owner}, id, expires_at) values ($1, $2, now() + make_interval(mins => $3))
     on conflict (${owner}) do update set id = excluded.id, expires_at = excluded.expires_at`,
    [accountId, resetId, minutes],
  )
  return resetToken(keys, accountType, resetId)
}

/** The token of the newest reset link in the mailbox of an address, once it has this many emails. */
export async function mailedResetToken(address: string, emails: number): Promise<string> {
  const mails = await mailsTo(address, emails)
  const tokens = mails.flatMap(({ text }) => /[?]token=(\S+)/.exec(text)?.[1] ?? [])
  return decodeURIComponent(tokens.at(-1) ?? 'none')
}
