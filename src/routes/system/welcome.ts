import * as z from 'zod/mini'
import packageJson from '../../../package.json' with { type: 'json' }
import { contract, endpoint } from '../../openapi.ts'

const Welcome = z
  .object({
    message: z.string(),
    version: z.string(),
    docs: z.literal('/docs'),
    redoc: z.literal('/redoc'),
    health: z.literal('/health'),
  })
  .check(z.meta({ id: 'Welcome' }))

export const welcome = endpoint(
  contract({
    operationId: 'getServiceInfo',
    summary: 'Welcome',
    description: 'Name, version, and where the documentation is.',
    responses: { 200: { description: 'Where the documentation is', schema: Welcome } },
  }),
  (c) =>
    c.json(
      {
        message: `Welcome to ${c.var.config.brand.name} API!`,
        version: packageJson.version,
        docs: '/docs' as const,
        redoc: '/redoc' as const,
        health: '/health' as const,
      },
      200,
    ),
)
