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

/** What Neon's driver needs: it throws at any other. */
export const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ }).check(
  z.refine(
    (url) => {
      if (!URL.canParse(url)) return true // Reported above.
      const { username, hostname, pathname } = new URL(url)
      return username !== '' && hostname !== '' && pathname.length > 1
    },
    { message: 'must be postgresql://user:password@host/database' },
  ),
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

const oneAddress = /^(?:[^<>\r\n,;"]+ <[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/

export const sender = z
  .string()
  .check(z.regex(oneAddress, 'must be one address: "Name <a@b.example>"'))

/** Hosts of this machine or of a private network: RFC 6761, 6762, 8375, 1918, 6598, 3927, 4193, 4291. */
const PRIVATE_HOST = new RegExp(
  [
    /^[^.:]+$/, // localhost, and what only a local resolver knows
    /\.(localhost|local|internal|home\.arpa)$/,
    /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./,
    /^\[(::|f[cd]|fe[89ab])/,
  ]
    .map(({ source }) => source)
    .join('|'),
)

/** Whether every address of a variable is one that anybody reaches, by https. What is no address passes. */
export const hasOnlyPublic = (value: unknown) => [value].flat().filter(isAddress).every(isPublic)

const isAddress = (text: unknown): text is string =>
  typeof text === 'string' && /^(https?|postgres(ql)?):/i.test(text) && URL.canParse(text)

function isPublic(url: string): boolean {
  // A database's URL says nothing of TLS, and its parser not that 0x7f000001 is 127.0.0.1.
  const address = url.replace(/^postgres(ql)?:/i, 'https:')
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' && !PRIVATE_HOST.test(hostname.replace(/\.$/, ''))
}
