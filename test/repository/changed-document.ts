/** The OpenAPI document of the last release, with changes. */
import { readReleased } from '../../scripts/api.ts'
import type { Document, Operation, Schema } from '../../scripts/openapi/document.ts'

export const released = await readReleased()

export function changed(change: (document: Document) => void): Document {
  const document = structuredClone(released)
  change(document)
  return document
}

export function operation({ paths }: Document, name: string): Operation {
  const [method = '', path = ''] = name.toLowerCase().split(' ')
  const found = paths[path]?.[method]
  if (!found) throw new Error(`No ${name}`)
  return found
}

export function schema({ components }: Document, name: string): Schema {
  const found = components.schemas[name]
  if (!found) throw new Error(`No ${name}`)
  return found
}

/** Replaces a field of a schema, or removes it. */
export function setField(document: Document, name: string, field: string, value?: Schema) {
  const { properties = {}, required = [] } = schema(document, name)
  if (value) properties[field] = value
  else {
    delete properties[field]
    schema(document, name).required = required.filter((each) => each !== field)
  }
}

export function parameter(document: Document, of: string, name: string) {
  const found = operation(document, of).parameters?.find((each) => each.name === name)
  if (!found) throw new Error(`No ${name}`)
  return found
}

export const LIST = 'GET /admins/users'
