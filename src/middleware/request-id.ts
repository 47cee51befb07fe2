import { createMiddleware } from 'hono/factory'
import * as z from 'zod/mini'
import type { BaseEnv } from '../context.ts'

const Uuid = z.uuid()

/** Gives each request an id, for the log and `X-Request-ID`. A client's own is kept if it is a UUID. */
export const requestId = createMiddleware<BaseEnv>(async function requestId(c, next) {
  const given = c.req.header('X-Request-ID')
  c.set('requestId', given && Uuid.safeParse(given).success ? given : crypto.randomUUID())
  await next()
})
