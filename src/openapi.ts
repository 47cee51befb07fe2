import type { MiddlewareHandler } from 'hono'
import { createFactory, createMiddleware } from 'hono/factory'
import type * as z from 'zod/mini'
import type { AppEnv, BaseEnv } from './context.ts'
import type { ErrorFactory } from './errors.ts'
import type { Deprecation } from './versions.ts'

/**
 * An endpoint: its contract, its validators, its handler, typed from top to bottom. It gets its
 * method and path where it is mounted, in the `index.ts` of its folder.
 */
export const endpoint = createFactory<AppEnv>().createHandlers

/** An endpoint that works with an invalid configuration too, so it finds no resources on its context. */
export const healthCheck = createFactory<BaseEnv>().createHandlers

/** A response as the OpenAPI document describes it. */
export type ResponseDocumentation = {
  description: string
  schema?: z.ZodMiniType
  /** Media type of a response that is not JSON. */
  contentType?: string
  headers?: z.ZodMiniObject
  /** The body, where its schema allows others too. Otherwise examples come from scripts/openapi/fields.ts. */
  example?: unknown
}

/** What the OpenAPI document says of an endpoint; each middleware in front of a handler adds its part. */
export type Documentation = {
  /** What clients call it: generated ones name a function so. Unique, and it stays. */
  operationId?: string
  summary?: string
  description?: string
  /** Its responses say so too. */
  deprecated?: Deprecation
  security?: Record<string, string[]>[]
  body?: z.ZodMiniType
  query?: z.ZodMiniObject
  params?: z.ZodMiniObject
  /** Request headers. */
  headers?: z.ZodMiniObject
  responses?: Record<number, ResponseDocumentation>
  /** What the endpoint or its middleware throws, by the value that throws it. */
  errors?: ErrorFactory[]
  /** What is derived for the whole API but can't happen here. */
  neverErrors?: ErrorFactory[]
}

const documentation = new WeakMap<object, Documentation>()

/** Notes what a middleware adds to the contract of its endpoint. The document is built from these. */
export function documented<Handler extends object>(part: Documentation, handler: Handler): Handler {
  documentation.set(handler, part)
  return handler
}

export const documentationOf = (handler: object) => documentation.get(handler)

/** The part of an endpoint's contract that no middleware knows: its name, what it is for, what it returns. */
export const contract = (
  part: Documentation & Required<Pick<Documentation, 'operationId' | 'summary' | 'responses'>>,
): MiddlewareHandler<BaseEnv> =>
  documented(
    part,
    createMiddleware<BaseEnv>((_, next) => next()),
  )
