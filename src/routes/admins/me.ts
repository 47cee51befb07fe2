import { contract, endpoint } from '../../contract.ts'
import { AdminRead } from '../../data/accounts.ts'
import { findAdmin } from '../../data/admins.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../middleware/limit.ts'

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
