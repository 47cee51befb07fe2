/** Composes the examples of bodies from those of their fields (fields.ts), and writes both into the document. */
import type { Content, Document, Schema } from './document.ts'
import { BODIES, FIELDS, PARAMETERS } from './fields.ts'

export function addExamples({ paths, components: { schemas } }: Document): void {
  const composed = new Map<string, unknown>()

  /** @param path names of the fields from a component or an operation to this one: `Health.database.error` */
  function exampleOf(schema: Schema, path: string): unknown {
    if (schema.$ref) return ofComponent(schema.$ref.replace('#/components/schemas/', ''))
    if (schema.properties) return compose(schema.properties, path)
    if (schema.items) return [exampleOf(schema.items, `${path}.items`)]
    const nullable = schema.anyOf?.find((each) => each.$ref || each.properties)
    if (nullable) return exampleOf(nullable, path)
    if ('const' in schema) return schema.const
    return noted(schema, path)
  }

  function compose(properties: Record<string, Schema>, path: string) {
    const values = Object.entries(properties).map(
      ([name, each]) => [name, exampleOf(each, `${path}.${name}`)] as const,
    )
    return Object.fromEntries(values.filter(([, value]) => value !== undefined))
  }

  function ofComponent(name: string): unknown {
    const schema = schemas[name]
    if (!schema) throw new Error(`No schema ${name}`)
    if (!composed.has(name)) composed.set(name, exampleOf(schema, name))
    return composed.get(name)
  }

  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    const { operationId, parameters = [], requestBody, responses } = operation
    // Swagger UI fills in what has an example: a filter of a list should be empty.
    for (const parameter of parameters) {
      const { name, schema } = parameter
      if (parameter.in === 'path') parameter.example = exampleOf(schema, `${operationId}.${name}`)
      const description = parameter.description ?? schema.description ?? PARAMETERS[name]
      if (description) parameter.description = description
    }
    const bodies: Record<string, { content?: Content }> = { body: requestBody ?? {}, ...responses }
    for (const [key, { content = {} }] of Object.entries(bodies)) {
      for (const media of Object.values(content)) {
        if (media.example !== undefined) continue
        const example = exampleOf(media.schema, operationId)
        const differing = BODIES[`${operationId}.${key}`]
        media.example = differing ? Object.assign({}, example, differing) : example
      }
    }
  }
}

/** The example of a field without fields of its own, which its schema then has too. */
function noted(schema: Schema, path: string): unknown {
  const field = FIELDS[path] ?? FIELDS[path.split('.').at(-1) ?? '']
  if (!field) throw new Error(`No example for ${path} in scripts/openapi/fields.ts`)
  const { description, example } = field
  if (description && !schema.description) schema.description = description
  if (example !== undefined && !schema.enum) schema.examples = [example]
  return example
}
