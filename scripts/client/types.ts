/** TypeScript types of the JSON Schemas of the OpenAPI document. */

import type { Schema } from '../openapi/document.ts'

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
}

/**
 * The type of a schema. `optional` is what follows an optional property's type: callers may pass
 * `undefined`, but no response has it.
 */
export function typeOf(schema: Schema, optional: '' | ' | undefined'): string {
  const union = (schemas: Schema[], separator: string) =>
    schemas.map((each) => `(${typeOf(each, optional)})`).join(separator)
  if (schema.$ref) return nameOf(schema.$ref)
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.allOf) return union(schema.allOf, ' & ')
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) return union(alternatives, ' | ')
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => typeOf({ ...schema, type }, optional)).join(' | ')
  }
  if (schema.type === 'array') return `(${typeOf(schema.items ?? {}, optional)})[]`
  if (schema.type === 'object') return objectOf(schema, optional)
  return PRIMITIVES[schema.type ?? ''] ?? 'unknown'
}

function objectOf(schema: Schema, optional: '' | ' | undefined'): string {
  const { properties, required = [], additionalProperties } = schema
  if (!properties) {
    const values = typeof additionalProperties === 'object' ? additionalProperties : {}
    return `Record<string, ${typeOf(values, optional)}>`
  }
  const members = Object.entries(properties).map(([name, each]) => {
    const type = typeOf(each, optional)
    const isRequired = required.includes(name)
    return `${comment(each.description)}${name}${isRequired ? `: ${type}` : `?: ${type}${optional}`}\n`
  })
  return `{\n${members.join('')}}`
}

export const nameOf = (ref: string) => ref.replace('#/components/schemas/', '')

/** A doc comment with these paragraphs, or nothing. */
export function comment(...paragraphs: (string | undefined)[]): string {
  const lines = paragraphs.filter(Boolean).join('\n\n').split('\n')
  if (lines.length > 1) return `/**\n${lines.map((line) => ` * ${line}`).join('\n')}\n */\n`
  return lines[0] ? `/** ${lines[0]} */\n` : ''
}
