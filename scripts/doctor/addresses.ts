import { type Check, ok } from './finding.ts'

/** Where links lead and who may call, for the eye: `readConfig` has rejected what nobody reaches. */
export const checkAddresses: Check = async ({ linkBase, corsOrigins, allowsLocalOrigins }) => {
  const allowed = [...corsOrigins, ...(allowsLocalOrigins ? ['those of this machine'] : [])]
  const origins = allowed.join(', ') || 'none'
  const message = `links in emails lead to ${new URL(linkBase).origin}; CORS origins: ${origins}`
  return [ok('addresses', message)]
}
