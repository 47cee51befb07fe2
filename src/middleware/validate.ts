import { zValidator } from '@hono/zod-validator'
import type { HonoRequest } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { HTTPException } from 'hono/http-exception'
import type * as z from 'zod/mini'
import type { AppEnv } from '../context.ts'
import { defineError, invalid, payloadTooLarge, validationFailed } from '../errors.ts'
import { documented } from '../openapi.ts'

/** Bytes of a body. The largest that the API needs is a few hundred. */
export const BODY_LIMIT = 16 * 1024

const withinLimit = bodyLimit({ maxSize: BODY_LIMIT })

/** Rejects larger bodies with 413, whether or not they declare their length. */
export const limitBody = createMiddleware<AppEnv>((c, next) =>
  withinLimit(c, next).catch((error: unknown) => {
    throw error instanceof HTTPException ? error : brokenOff()
  }),
)

const notJson = defineError('UnsupportedMediaTypeError', 'The body must be application/json')

/** A JSON body of this shape: 415 if it is not JSON, 422 if it is broken or of another shape. */
export function json<Schema extends z.ZodMiniType>(schema: Schema) {
  const validate = zValidator('json', schema, rejectInvalid)
  const strict: typeof validate = async (c, next) => {
    await requireStrictJson(c.req)
    return validate(c, next)
  }
  return documented({ body: schema, errors: [payloadTooLarge, notJson, validationFailed] }, strict)
}

/** Query parameters of this shape, else 422. */
export const query = <Schema extends z.ZodMiniObject>(schema: Schema) =>
  documented(
    { query: schema, errors: [validationFailed] },
    zValidator('query', schema, rejectInvalid),
  )

/** Path parameters of this shape, else 422. */
export const params = <Schema extends z.ZodMiniObject>(schema: Schema) =>
  documented(
    { params: schema, errors: [validationFailed] },
    zValidator('param', schema, rejectInvalid),
  )

type Validation = { success: true } | { success: false; error: z.core.$ZodError; target: string }

function rejectInvalid(result: Validation) {
  if (!result.success)
    throw invalidBy(result.error, result.target === 'json' ? 'body' : result.target)
}

/** 422 for what a schema found. `whole`: the field of what is not about a single one. */
export const invalidBy = ({ issues }: z.core.$ZodError, whole: string) =>
  invalid(
    issues.map(({ path, message, code }) => ({
      field: path.map(String).join('.') || whole,
      message,
      type: code,
    })),
  )

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json(?:\s*;|$)/i

const malformed = (message: string) => invalid([{ field: 'body', message, type: 'json_invalid' }])

/** The client disconnected while it sent the body. It does not see this response; it is not an error of the service. */
const brokenOff = () => malformed('The body is incomplete')

/** Two readers of one body must not read it differently: so no duplicate keys (RFC 8259 section 4). */
async function requireStrictJson(req: HonoRequest) {
  if (!JSON_TYPE.test(req.header('Content-Type') ?? '')) {
    throw notJson()
  }
  const text = await req.text().catch(() => {
    throw brokenOff()
  })
  if (Buffer.byteLength(text) > BODY_LIMIT) {
    throw payloadTooLarge()
  }
  let keys = 0
  try {
    keys = countKeys(JSON.parse(text))
  } catch {
    throw malformed('The body is not valid JSON')
  }
  if (keys !== countKeysOfText(text)) throw malformed('The body contains a duplicate key')
}

/** Too deep a value overflows the stack, which reads as malformed. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((sum: number, each) => sum + countKeys(each), own)
}

/** In valid JSON a key is a string with a colon behind it. */
const countKeysOfText = (text: string) =>
  [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon).length
