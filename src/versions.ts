import { getPath } from 'hono/utils/url'

/** The version of the API, in `API-Version`. */
export const API_VERSION = '1'

/** Where it is served; also without the version, for clients of the former service. */
export const API_BASE = `/api/v${API_VERSION}`

const VERSIONED = new RegExp(`^${API_BASE}/`)

/** The path that a request named: Hono's `c.req.path` is the one that was routed. */
export const requestedPath = (request: Request) => getPath(request)

/** The path that the routes know, which has no version. So each is mounted, limited and logged once. */
export const routedPath = (request: Request) => getPath(request).replace(VERSIONED, '/api/')

/** An operation that clients should stop using. Dates are ISO 8601, at midnight in UTC. */
export type Deprecation = {
  /** When that was decided, or will hold (RFC 9745). */
  since: string
  /** When the operation may be gone (RFC 8594). docs/api-changelog.md says how long that has to be. */
  sunset: string
  /** URL of a page that says what to use instead. */
  link: string
}

/** The headers of each response of a deprecated operation, errors too. */
export const deprecationHeaders = ({ since, sunset, link }: Deprecation) =>
  Object.entries({
    Deprecation: `@${Date.parse(since) / 1000}`,
    Sunset: new Date(sunset).toUTCString(),
    Link: `<${link}>; rel="deprecation"; type="text/html"`,
  })
