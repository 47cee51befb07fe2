import { contract, endpoint } from '../../openapi.ts'
import { AdminRead } from '../../db/accounts.ts'
import { findAdmin } from '../../db/admins.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../rate-limit/limit.ts'

export const readMe = endpoint(
  contract({
    summary: 'Read the own account',
    limited: true,
    answers: { 200: { description: 'The admin behind the token', schema: AdminRead } },
  }),
  authenticate('admin'),
  async (c) => {
    const admin = await beside(c, () => findAdmin(c.var.db, c.var.claims))
    if (!admin) throw notAuthenticated()
    return c.json(admin, 200)
  },
)
