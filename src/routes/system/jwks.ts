import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'

/** Seconds a verifier may keep the keys: so long before its first use a new key must be published. */
const MAX_AGE = 300

const JwkSet = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        kid: z.string(),
        x: z.string(),
        alg: z.literal('EdDSA'),
        use: z.literal('sig'),
      }),
    ),
  })
  .meta({ id: 'JwkSet' })

export const jwks = endpoint(
  contract({
    summary: 'Publish the keys of access tokens',
    description:
      'RFC 7517. Other services verify by them alone and accept staleness for as long as an access token lives.',
    answers: { 200: { description: 'The public keys', schema: JwkSet } },
  }),
  (c) =>
    c.json({ keys: [...c.var.keys.published] }, 200, {
      'Cache-Control': `public, max-age=${MAX_AGE}`,
    }),
)
