import * as z from 'zod/mini'

/** An `http(s)` URL to which paths are appended: nothing may follow its own. */
export const httpUrl = z.pipe(
  z.url({ protocol: /^https?$/ }).check(
    z.refine(
      (url) => {
        if (!URL.canParse(url)) return true // Reported above.
        const { username, password } = new URL(url)
        return username === '' && password === '' && !/[?#]/.test(url)
      },
      { message: 'must not contain a user, a password, a query or a fragment' },
    ),
  ),
  z.transform((url) => url.replace(/\/+$/, '')),
)

/** An `http(s)` URL to link to. */
export const pageUrl = z.url({ protocol: /^https?$/ })

/** As Neon's driver parses it: only of http is 127.1 an address, and a backslash the end of the host. */
const asHttp = (url: string, scheme: 'http' | 'https' = 'http') =>
  url.replace(/^postgres(ql)?:/i, `${scheme}:`)

function namesDatabase(url: string) {
  if (!URL.canParse(asHttp(url))) return false
  const { username, pathname } = new URL(asHttp(url))
  return username !== '' && pathname.length > 1
}

/** What Neon's driver needs: it throws at any other. */
export const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ }).check(
  z.refine((url) => !URL.canParse(url) || namesDatabase(url), {
    message: 'must be postgresql://user:password@host/database, with %5C for a backslash',
  }),
)

/** What Upstash's SDK accepts: it throws at any other. */
export const redisUrl = httpUrl.check(
  z.refine((url) => /^https?:\/\/[^\s#$./?].\S*$/.test(url), {
    message: 'must begin with https:// in lower case, and a host name',
  }),
)

const isOrigin = (text: string) =>
  URL.canParse(text) && new URL(text).origin === text && !text.includes('*')

const listed = z.transform((list: string) =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

export const origins = z.pipe(
  z.pipe(z._default(z.string(), ''), listed),
  z.array(
    z.string().check(
      z.refine(isOrigin, {
        message: 'must be origins such as https://app.example.com, without a path or a wildcard',
      }),
    ),
  ),
)

/** This machine (RFC 6761 section 6.3), at any port. */
const LOCAL_HOST = /^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])$/

const isLocalOrigin = (origin: string) =>
  /^https?:/.test(origin) && isOrigin(origin) && LOCAL_HOST.test(new URL(origin).hostname)

type OriginRules = { corsOrigins: readonly string[]; allowsLocalOrigins: boolean }

/** Whether pages of this origin may read what we return. */
export const allowsOrigin = ({ corsOrigins, allowsLocalOrigins }: OriginRules, origin: string) =>
  corsOrigins.includes(origin) || (allowsLocalOrigins && isLocalOrigin(origin))

const oneAddress = /^(?:[^<>\r\n,;"]+ <[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/

export const sender = z
  .string()
  .check(z.regex(oneAddress, 'must be one address: "Name <a@b.example>"'))

/**
 * Hosts that are nobody's in public: of this machine, of a private network, of documentation, of no single
 * host. IANA's registries of special-purpose addresses (RFC 6890) and special-use names (RFC 6761), and the
 * names that networks give themselves.
 */
const NOT_PUBLIC = new RegExp(
  [
    /^[^.:]+$/, // localhost, and what only a local resolver knows
    /(^|\.)(localhost|localdomain|local|internal|intranet|private|lan|corp|home|home\.arpa)$/,
    /(^|\.)(test|invalid|example|example\.(com|net|org))$/,
    /^(0|10|127|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168)\.[\d.]+$/,
    /^(192\.0\.[02]|198\.(1[89]|51\.100)|203\.0\.113|22[4-9]|2[3-5]\d)\.[\d.]+$/,
    /^\[(?![23][\da-f]{3}:)/, // All but 2000::/3, NAT64 too.
    /^\[(2001:(:|1?[\da-f]{1,2}:|db8:)|2002:|3fff:(:|[\da-f]{1,3}:))/, // Teredo, 6to4
  ]
    .map(({ source }) => source)
    .join('|'),
)

/** Whether every address of a variable is one that anybody reaches, by https. What is no address passes. */
export const hasOnlyPublic = (value: unknown) =>
  [value].flat().every((text) => typeof text !== 'string' || isPublic(text))

function isPublic(text: string): boolean {
  if (/^postgres(ql)?:/i.test(text)) return !namesDatabase(text) || isPublic(asHttp(text, 'https'))
  const url = /^https?:/i.test(text) ? text : text.replace(/^.*@([^\s<>@]+)>?$/, 'https://$1')
  if (!/^https?:/i.test(url) || !URL.canParse(url)) return true
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' && !NOT_PUBLIC.test(hostname.replace(/\.+$/, ''))
}
