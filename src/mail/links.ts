import type { AccountType } from '../db/accounts.ts'
import type { Config } from '../env.ts'
import type { Keys } from '../tokens/keys.ts'
import { resetToken } from '../tokens/reset.ts'

type Bases = Pick<Config, 'frontendUrl' | 'publicUrl'>

/**
 * Where a reset is completed: users at the frontend, admins at the built-in page, each at the other
 * where there is no such URL. The built-in page takes its token from the fragment, which browsers send
 * to no server; `?token=` is what frontends read.
 */
export function resetLink(
  { frontendUrl, publicUrl }: Bases,
  keys: Keys,
  { accountType, resetId }: { accountType: AccountType; resetId: string },
): string {
  const token = encodeURIComponent(resetToken(keys, accountType, resetId))
  const builtIn = publicUrl && `${publicUrl}/reset-password#token=${token}`
  if (accountType === 'admin') {
    return builtIn
      ? `${builtIn}&account=admin`
      : `${frontendUrl}/admin/reset-password?token=${token}`
  }
  return frontendUrl ? `${frontendUrl}/reset-password?token=${token}` : `${builtIn}`
}
