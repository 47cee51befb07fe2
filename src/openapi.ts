import type { MiddlewareHandler } from 'hono'
import { createFactory, createMiddleware } from 'hono/factory'
import type * as z from 'zod'
import type { AppEnv } from './context.ts'
import type { ErrorName } from './errors.ts'

/**
 * An endpoint: its contract, its validators, its handler, typed from top to bottom. It gets its
 * method and path where it is mounted, in the `index.ts` of its folder.
 */
export const endpoint = createFactory<AppEnv>().createHandlers

/** An answer as the OpenAPI document tells it. */
export type Answer = {
  description: string
  schema?: z.ZodType
  /** Media type of an answer that is not JSON. */
  contentType?: string
}

/** What the OpenAPI document says of an endpoint; each middleware in front of a handler adds its part. */
export type Documentation = {
  summary?: string
  description?: string
  security?: Record<string, string[]>[]
  body?: z.ZodType
  query?: z.ZodObject
  params?: z.ZodObject
  answers?: Record<number, Answer>
  errors?: Partial<Record<ErrorName, string>>
  /** The answers a limiter may give are documented too. */
  limited?: boolean
}

const documentation = new WeakMap<object, Documentation>()

/** Notes what a middleware adds to the contract of its endpoint. The document is built from these. */
export function documented<Handler extends object>(part: Documentation, handler: Handler): Handler {
  documentation.set(handler, part)
  return handler
}

export const documentationOf = (handler: object) => documentation.get(handler)

/** The part of an endpoint's contract that no middleware knows: what it is for, and what it answers. */
export const contract = (part: Documentation): MiddlewareHandler<AppEnv> =>
  documented(
    part,
    createMiddleware<AppEnv>((_, next) => next()),
  )
