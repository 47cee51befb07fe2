import { AdminRead } from '../../db/accounts.ts'
import { findAdmin } from '../../db/admins.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { withRateLimit } from '../../rate-limit/limit.ts'

export const readMe = endpoint(
  contract({
    operationId: 'getCurrentAdmin',
    summary: 'Get your account',
    description: 'The admin whom the access token belongs to.',
    responses: { 200: { description: 'The admin of the access token', schema: AdminRead } },
  }),
  authenticate('admin'),
  async (c) => {
    const admin = await withRateLimit(c, () => findAdmin(c.var.db, c.var.claims))
    return c.json(admin, 200)
  },
)
