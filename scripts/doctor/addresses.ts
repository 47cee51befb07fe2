import { type Check, fail, ok, warn } from './finding.ts'

const LOCAL = /^(localhost|127\.|\[::1\]|0\.0\.0\.0)/

const isPublic = (url: string) => {
  const { protocol, host } = new URL(url)
  return protocol === 'https:' && !LOCAL.test(host)
}

/** In staging and production, links in emails and browser origins must be public HTTPS addresses. */
export const checkAddresses: Check = async (config) => {
  const { environment, linkBase, corsOrigins } = config
  if (environment === 'development' || environment === 'test') {
    return [ok('addresses', `not checked in ${environment}`)]
  }
  const problems: string[] = []
  const linkOrigin = new URL(linkBase).origin
  if (!isPublic(linkBase)) {
    problems.push(
      `links in emails lead to ${linkOrigin}: set FRONTEND_URL or PUBLIC_URL to a public https address`,
    )
  }
  const unsafe = corsOrigins.filter((origin) => !isPublic(origin))
  if (unsafe.length > 0) {
    problems.push(
      `remove ${unsafe.join(', ')} from CORS_ORIGINS: only public https origins are safe`,
    )
  }
  if (config.database.endpoint) problems.push('unset NEON_HTTP_URL: it is for the local gateway')
  if (config.mail?.baseUrl) problems.push('unset RESEND_BASE_URL: it is for the local mailbox')
  if (problems.length > 0) {
    const report = environment === 'production' ? fail : warn
    return [report('addresses', `${problems.join('; ')}.`)]
  }
  const origins = corsOrigins.join(', ') || 'none'
  return [ok('addresses', `links in emails lead to ${linkOrigin}; CORS origins: ${origins}`)]
}
