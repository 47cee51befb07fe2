import * as z from 'zod/mini'
import { contract, endpoint } from '../../openapi.ts'

/** Seconds. Verifiers may cache the keys for that long, so a new key is published at least that long before it signs. */
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
  .check(z.meta({ id: 'JwkSet' }))

export const jwks = endpoint(
  contract({
    operationId: 'getJwks',
    summary: 'JSON Web Key Set',
    description:
      'The public keys of access tokens (RFC 7517). A service that verifies tokens with them alone does not notice a revoked session until the token expires.',
    responses: { 200: { description: 'The public keys', schema: JwkSet } },
  }),
  (c) =>
    c.json({ keys: [...c.var.keys.published] }, 200, {
      'Cache-Control': `public, max-age=${MAX_AGE}`,
    }),
)
