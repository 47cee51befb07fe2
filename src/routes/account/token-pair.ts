import type { Context } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../context.ts'
import { roleOf } from '../../db/accounts.ts'
import { signAccessToken } from '../../tokens/access.ts'
import {
  type AccountKind,
  type RefreshSubject,
  refreshToken,
} from '../../tokens/derived.ts'

export const TokenPair = z
  .object({
    access_token: z
      .string()
      .meta({ description: 'JWT (EdDSA); verify it by /.well-known/jwks.json' }),
    refresh_token: z.string().meta({ description: 'Opaque; each refresh answers its successor' }),
    token_type: z.literal('bearer'),
    expires_in: z.int().meta({ description: 'Seconds until the access token expires' }),
  })
  .meta({ id: 'TokenPair' })

type Session = RefreshSubject & { accountId: number; ranked: boolean }

/** The tokens of a session at this point of its rotation. */
export async function tokenPair(
  c: Context<AppEnv>,
  kind: AccountKind,
  { accountId, ranked, ...subject }: Session,
): Promise<z.output<typeof TokenPair>> {
  const { keys, config } = c.var
  const role = roleOf(kind, ranked)
  return {
    access_token: await signAccessToken(
      { kind, accountId, sessionId: subject.sessionId, role },
      { keys, issuer: config.issuer, now: Date.now(), ttl: config.accessTokenSeconds },
    ),
    refresh_token: refreshToken(keys, kind, subject),
    token_type: 'bearer',
    expires_in: config.accessTokenSeconds,
  }
}
