import { newAdmin, newUser } from '../../setup/accounts.ts'

/** Users and admins share the endpoints of `src/routes/account`. */
export const ACCOUNT_TYPES = [
  { type: 'users', kind: 'user', create: () => newUser() },
  { type: 'admins', kind: 'admin', create: () => newAdmin() },
] as const
