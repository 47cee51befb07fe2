/** The OpenAPI document, as far as this repository reads it. */

export type Schema = {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  format?: string
  pattern?: string
  default?: unknown
  maximum?: number
  minimum?: number
  maxLength?: number
  minLength?: number
  maxItems?: number
  minItems?: number
  description?: string
  examples?: unknown[]
}

/** By media type. */
export type Content = Record<string, { schema: Schema; example?: unknown; examples?: unknown }>

export type Parameter = {
  name: string
  in: string
  required?: boolean
  description?: string
  schema: Schema
  example?: unknown
}

export type Operation = {
  servers?: { url: string }[]
  operationId: string
  summary?: string
  description?: string
  security?: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, Response>
}

export type Response = {
  $ref?: string
  content?: Content
  headers?: Record<string, { $ref?: string; required?: boolean }>
}

export type Document = {
  info: { version: string }
  /** The first is what the paths are relative to, unless an operation has its own. */
  servers: [{ url: string }, ...{ url: string }[]]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    responses?: Record<string, Response>
    headers?: Record<string, { required?: boolean }>
  }
}
