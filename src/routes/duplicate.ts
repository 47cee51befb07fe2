import { violatedIndex } from '../db/client.ts'
import { defineError } from '../errors.ts'

/** The unique indexes of names, as migrations call them. */
const FIELDS: Readonly<Record<string, 'username' | 'email'>> = {
  users_username_key: 'username',
  users_email_key: 'email',
  admins_username_key: 'username',
  admins_email_key: 'email',
}

const define = (resource: 'User' | 'Admin', field: 'username' | 'email') =>
  defineError('DuplicateRecordError', `${resource} with this ${field} already exists`, () => ({
    details: { resource, field },
  }))

const TAKEN = {
  User: { username: define('User', 'username'), email: define('User', 'email') },
  Admin: { username: define('Admin', 'username'), email: define('Admin', 'email') },
}

/** What {@link duplicateOf} throws, for the contract of an endpoint. */
export const duplicateErrors = (resource: 'User' | 'Admin') => Object.values(TAKEN[resource])

/** 409: another account has this name. */
export const taken = (resource: 'User' | 'Admin', field: 'username' | 'email') =>
  TAKEN[resource][field]()

/** For `catch`: a taken name becomes 409. The unique indexes decide. */
export const duplicateOf = (resource: 'User' | 'Admin') => (error: unknown) => {
  const field = FIELDS[violatedIndex(error) ?? '']
  throw field ? taken(resource, field) : error
}
