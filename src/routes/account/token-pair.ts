import * as z from 'zod/mini'
import type { RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import type { RefreshSubject } from '../../db/sessions.ts'
import { roleOf, signAccessToken } from '../../tokens/access.ts'
import { refreshToken } from '../../tokens/refresh.ts'

export const TokenPair = z
  .object({
    access_token: z.string().check(
      z.meta({
        description: 'JWT (EdDSA). Verify it with the keys at /.well-known/jwks.json',
      }),
    ),
    refresh_token: z.string().check(z.meta({ description: 'Opaque. Each refresh replaces it' })),
    token_type: z.literal('bearer'),
    expires_in: z.int().check(z.meta({ description: 'Seconds until the access token expires' })),
  })
  .check(z.meta({ id: 'TokenPair' }))

type Session = RefreshSubject & { accountId: number; elevated: boolean }

/** The tokens of a session at this point of its rotation. */
export async function tokenPair(
  c: RequestContext,
  accountType: AccountType,
  { accountId, elevated, ...subject }: Session,
): Promise<z.output<typeof TokenPair>> {
  const { keys, config } = c.var
  const role = roleOf(accountType, elevated)
  return {
    access_token: await signAccessToken(
      { kind: accountType, accountId, sessionId: subject.sessionId, role },
      { keys, issuer: config.issuer, now: Date.now(), ttl: config.accessTokenSeconds },
    ),
    refresh_token: refreshToken(keys, accountType, subject),
    token_type: 'bearer',
    expires_in: config.accessTokenSeconds,
  }
}
