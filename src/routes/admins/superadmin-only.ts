import { defineError } from '../../errors.ts'

export const superadminOnly = defineError('AuthorizationError', 'This needs a superadmin')
