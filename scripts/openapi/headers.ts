/** The response headers that many operations have, as components of the document. */
import * as z from 'zod'
import { API_VERSION } from '../../src/versions.ts'
import { EXAMPLE_REQUEST_ID } from './fields.ts'

const component = <Schema extends z.ZodType>(
  schema: Schema,
  id: string,
  { description, example }: { description: string; example: unknown },
) => schema.meta({ header: { id }, description, examples: [example] })

/** On every response. */
export const REQUEST_ID = {
  'X-Request-ID': component(z.uuid(), 'X-Request-ID', {
    description: 'The id of the request, also in the log',
    example: EXAMPLE_REQUEST_ID,
  }),
}

/** On the responses of the API; the limits on what the limiter has counted. */
export const OF_API = {
  'API-Version': component(z.string().optional(), 'API-Version', {
    description: 'The version of the API',
    example: API_VERSION,
  }),
  RateLimit: component(z.string().optional(), 'RateLimit', {
    description: 'What is left: `r` requests in the next `t` seconds',
    example: '"api";r=199;t=3600, "login";r=29;t=900',
  }),
  'RateLimit-Policy': component(z.string().optional(), 'RateLimit-Policy', {
    description: 'The limits: `q` requests in `w` seconds',
    example: '"api";q=200;w=3600, "login";q=30;w=900',
  }),
}

const RETRY_AFTER = {
  'Retry-After': component(z.int().nonnegative(), 'Retry-After', {
    description: 'Seconds to wait before the next attempt',
    example: 540,
  }),
}

/** What an error has besides, by its status. */
export const HEADERS_OF: Readonly<Record<number, Record<string, z.ZodType> | undefined>> = {
  401: {
    'WWW-Authenticate': component(z.literal('Bearer'), 'WWW-Authenticate', {
      description: 'The challenge of RFC 6750',
      example: 'Bearer',
    }),
  },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
}
