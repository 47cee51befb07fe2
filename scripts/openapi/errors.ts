/** Errors in the document: their bodies, an example of each, and a response for each set of errors. */
import * as z from 'zod'
import type { ZodOpenApiResponseObject } from 'zod-openapi'
import { ERRORS, type ErrorFactory, type ErrorName } from '../../src/errors.ts'
import { EXAMPLE_REQUEST_ID, EXAMPLE_TIME } from './fields.ts'
import { HEADERS_OF, OF_API, REQUEST_ID } from './headers.ts'

const bodyOf = (error: z.ZodType, details: z.ZodType) =>
  z.object({
    error,
    message: z.string().meta({ description: 'For people; it does not change' }),
    status_code: z.int(),
    timestamp: z.iso.datetime(),
    path: z.string(),
    request_id: z.uuid().meta({ description: 'As in `X-Request-ID` and in the log' }),
    details,
  })

const AnyError = bodyOf(
  z.enum(Object.keys(ERRORS) as [ErrorName, ...ErrorName[]]),
  z.record(z.string(), z.unknown()).optional(),
).meta({ id: 'ApiError', description: 'The body of every response with status >= 400' })

/** Errors that always have the same details, with an example of them. */
const DETAILED: Partial<Record<ErrorName, { body: z.ZodType; details: object }>> = {
  ValidationError: {
    body: bodyOf(
      z.literal('ValidationError'),
      z.object({
        errors: z.array(
          z.object({
            field: z.string().meta({ description: 'Dotted: `address.city`' }),
            message: z.string(),
            type: z.string(),
          }),
        ),
      }),
    ).meta({ id: 'ValidationError', description: 'What is wrong with the input, by field' }),
    details: {
      errors: [{ field: 'email', message: 'must be an email address', type: 'invalid_format' }],
    },
  },
  RateLimitError: {
    body: bodyOf(
      z.literal('RateLimitError'),
      z.object({ retry_after: z.int().meta({ description: 'Seconds, as in `Retry-After`' }) }),
    ).meta({ id: 'RateLimitError' }),
    details: { retry_after: 540 },
  },
  DuplicateRecordError: {
    body: bodyOf(
      z.literal('DuplicateRecordError'),
      z.object({ resource: z.enum(['User', 'Admin']), field: z.enum(['username', 'email']) }),
    ).meta({ id: 'DuplicateRecordError', description: 'Another account has this name' }),
    details: {},
  },
}

/** The error responses of operations. Each set of errors is one component, and each example. */
export function errorResponses() {
  const examples: Record<string, { summary: string; value: object }> = {}
  const responses: Record<string, ZodOpenApiResponseObject> = {}

  function exampleRef(factory: ErrorFactory, path: string) {
    const key = keyOf(factory)
    examples[key] ??= { summary: factory.message, value: exampleOf(factory, path) }
    if (examples[key].summary !== factory.message) throw new Error(`Two errors are ${key}`)
    return [key, { $ref: `#/components/examples/${key}` }] as const
  }

  function responseOf(status: number, group: readonly ErrorFactory[], path: string) {
    const id = group.map(keyOf).join('Or')
    responses[id] ??= {
      id,
      description: group.map(({ message }) => message).join('. Or: '),
      headers: z.object({ ...REQUEST_ID, ...HEADERS_OF[status], ...OF_API }),
      content: {
        'application/json': {
          schema: schemaOf(group),
          examples: Object.fromEntries(group.map((each) => exampleRef(each, path))),
        },
      },
    }
    return responses[id]
  }

  return {
    examples,
    /** The responses to these errors of an operation, by status. */
    responsesTo: (errors: readonly ErrorFactory[], path: string) =>
      Object.fromEntries(
        [...Map.groupBy(errors, ({ error }) => ERRORS[error])].map(([status, group]) => [
          status,
          responseOf(status, group, path),
        ]),
      ),
  }
}

function schemaOf(group: readonly ErrorFactory[]): z.ZodType {
  const [first, ...others] = new Set(group.map(({ error }) => error))
  return (others.length === 0 && first && DETAILED[first]?.body) || AnyError
}

/** `Too many requests, please try again later` becomes `TooManyRequests`. */
const keyOf = ({ message }: ErrorFactory) =>
  (message.split(/[,:]/)[0]?.match(/[A-Za-z\d]+/g) ?? [])
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

function exampleOf(factory: ErrorFactory, path: string) {
  const { name, message, status, details = DETAILED[name]?.details } = factory()
  return {
    error: name,
    message,
    status_code: status,
    timestamp: EXAMPLE_TIME,
    path,
    request_id: EXAMPLE_REQUEST_ID,
    ...(details && { details }),
  }
}
