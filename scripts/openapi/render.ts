import type { ZodOpenApiOverrideContext } from 'zod-openapi'

/** What generators of clients understand, from what zod writes. */
export function render({ zodSchema, jsonSchema, io }: ZodOpenApiOverrideContext): void {
  if (zodSchema._zod.def.type === 'date') {
    Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
  }
  // No format of JSON Schema; and Swagger UI fails at the encoding.
  if (jsonSchema.format === 'base64url') {
    delete jsonSchema.format
    delete jsonSchema.contentEncoding
  }
  // The format says it; an email has to match both.
  if (jsonSchema.format && jsonSchema.format !== 'email') delete jsonSchema.pattern
  // Other languages have no Unicode properties in theirs, or another syntax: the description tells it.
  if (jsonSchema.pattern?.includes('\\p{')) delete jsonSchema.pattern
  if (jsonSchema.type === 'integer') renderInteger(jsonSchema)
  // A later version may add fields to a response.
  if (io === 'output' && jsonSchema.additionalProperties === false) {
    delete jsonSchema.additionalProperties
  }
}

/** Ids, counts and seconds: none is negative, and PostgreSQL's `integer` holds all but what says otherwise. */
function renderInteger(schema: ZodOpenApiOverrideContext['jsonSchema']): void {
  schema.format ??= 'int32'
  if (schema.exclusiveMinimum === 0) {
    schema.minimum = 1
    delete schema.exclusiveMinimum
  }
  if (schema.minimum === Number.MIN_SAFE_INTEGER) schema.minimum = 0
  if (schema.maximum === Number.MAX_SAFE_INTEGER && schema.format === 'int32') {
    schema.maximum = 2 ** 31 - 1
  }
}
