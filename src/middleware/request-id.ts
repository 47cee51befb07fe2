import { createMiddleware } from 'hono/factory'
import * as z from 'zod'
import type { BaseEnv } from '../context.ts'

const Uuid = z.uuid()

/** Gives each request an id, in the log and in `X-Request-ID`. A client's own is kept if it is a UUID. */
export const requestId = createMiddleware<BaseEnv>(async function requestId(c, next) {
  const given = Uuid.safeParse(c.req.header('X-Request-ID'))
  c.set('requestId', given.data ?? crypto.randomUUID())
  await next()
  c.header('X-Request-ID', c.var.requestId)
})
