import type { RequestContext } from './context.ts'
import type { RequestSource } from './db/audit-events.ts'
import type { Device } from './db/sessions.ts'
import { clientAddress } from './rate-limit/client-address.ts'

/** Characters of a User-Agent that are kept: enough to identify browser and system. */
const USER_AGENT_LENGTH = 200

/** What the audit trail keeps of where a request came from. */
export const requestSourceOf = (c: RequestContext): RequestSource => ({
  requestId: c.var.requestId,
  network: clientAddress(c.req.header('CF-Connecting-IP')).network,
  country: word(edge(c)?.country),
})

/** What the owner of a session is shown of where it was opened. */
export function deviceOf(c: RequestContext): Device {
  const place = [word(edge(c)?.city), word(edge(c)?.country)].filter((part) => part !== null)
  return {
    userAgent: word(c.req.header('User-Agent'))?.slice(0, USER_AGENT_LENGTH) ?? null,
    place: place.join(', ') || null,
  }
}

/** What Cloudflare knows of the connection. */
const edge = (c: RequestContext) => c.req.raw.cf

/** A header may contain bytes that are not text. Drops control characters and repairs the rest. */
const word = (value: unknown) =>
  typeof value === 'string' ? value.replace(/\p{C}/gu, '').toWellFormed() || null : null
