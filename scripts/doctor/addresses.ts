import type { Check } from './finding.ts'

const LOCAL = /^(localhost|127\.|\[::1\]|0\.0\.0\.0)/

const isPublic = (url: string) => {
  const { protocol, host } = new URL(url)
  return protocol === 'https:' && !LOCAL.test(host)
}

/** Outside of development, links in mails and calls from browsers go over HTTPS to public hosts. */
export const checkAddresses: Check = async (config) => {
  const { environment, linkBase, corsOrigins } = config
  const level = environment === 'production' ? 'FAIL' : 'warn'
  if (environment === 'development' || environment === 'test') {
    return [{ about: 'addresses', level: 'ok', words: `any will do in ${environment}` }]
  }
  const problems: string[] = []
  if (!isPublic(linkBase)) {
    problems.push(
      `links in mails lead to ${new URL(linkBase).origin}: give FRONTEND_URL or PUBLIC_URL a public https address`,
    )
  }
  const open = corsOrigins.filter((origin) => !isPublic(origin))
  if (open.length > 0) {
    problems.push(`take ${open.join(', ')} out of CORS_ORIGINS: only public https origins are safe`)
  }
  if (config.database.endpoint) problems.push('unset NEON_HTTP_URL: it is for the local gateway')
  if (config.mail?.baseUrl) problems.push('unset RESEND_BASE_URL: it is for the local mail box')
  if (problems.length > 0) return [{ about: 'addresses', level, words: `${problems.join('; ')}.` }]
  const origins = corsOrigins.length > 0 ? corsOrigins.join(', ') : 'no origin'
  return [
    {
      about: 'addresses',
      level: 'ok',
      words: `mails link to ${new URL(linkBase).origin}; ${origins} may call from a browser`,
    },
  ]
}
