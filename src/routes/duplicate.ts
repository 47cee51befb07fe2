import { violatedIndex } from '../db/client.ts'
import { ApiError } from '../errors.ts'

/** The unique indexes of names, as migrations call them. */
const FIELDS: Readonly<Record<string, 'username' | 'email'>> = {
  users_username_key: 'username',
  users_email_key: 'email',
  admins_username_key: 'username',
  admins_email_key: 'email',
}

/** For `catch`: a taken name becomes 409. The constraint decides; nobody looked before inserting. */
export const duplicateOf = (resource: 'User' | 'Admin') => (error: unknown) => {
  const field = FIELDS[violatedIndex(error) ?? '']
  if (!field) throw error
  throw new ApiError('DuplicateRecordError', `${resource} with this ${field} already exists`, {
    details: { resource, field },
  })
}
