import type { ZodOpenApiObject } from 'zod-openapi'

const refreshCookie = (name: string) => ({
  type: 'apiKey' as const,
  in: 'cookie' as const,
  name,
  description: 'Set by a login with `X-Refresh-Token: cookie`. Browsers send it themselves.',
})

/** What an operation may ask for, by the names that its contract uses. */
export const SECURITY_SCHEMES = {
  bearerAuth: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `access_token` of a login. It is verified as RFC8725 asks.',
  },
  userRefreshCookie: refreshCookie('__Host-refresh_users'),
  adminRefreshCookie: refreshCookie('__Host-refresh_admins'),
  metricsToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'Only for `GET /metrics`: `METRICS_TOKEN`.',
  },
  bootstrapToken: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Bootstrap-Token',
    description: 'Only to register the first admin: `ADMIN_BOOTSTRAP_TOKEN`.',
  },
} satisfies NonNullable<ZodOpenApiObject['components']>['securitySchemes']
