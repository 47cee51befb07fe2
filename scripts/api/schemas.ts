import type { Schema } from '../openapi/document.ts'

/** Clients send inputs and read outputs. What may break them is the opposite. */
export type Direction = 'input' | 'output'

type Schemas = Readonly<Record<string, Schema>>

const UPPER = ['maximum', 'maxLength', 'maxItems'] as const
const LOWER = ['minimum', 'minLength', 'minItems'] as const
const EXACT = ['pattern', 'format'] as const

/**
 * Compares schemas of two documents.
 *
 * @param at names of the fields from an operation or a component to the schema: `UserRead.email`
 * @returns what may break clients, in a line each
 */
export function schemaComparison(oldSchemas: Schemas, newSchemas: Schemas) {
  /** By what was compared. A schema that contains itself finds nothing new inside. */
  const found = new Map<string, string[]>()

  function compare(direction: Direction, before: Schema, after: Schema, at: string): string[] {
    const [old, current] = [nameOf(before), nameOf(after)]
    if (!old && !current) return compareInline(direction, before, after, at)
    const place = old && current ? old : at
    const key = [direction, place, old, current].join()
    const known = found.get(key)
    if (known) return known
    found.set(key, [])
    const resolved = [resolve(oldSchemas, before), resolve(newSchemas, after)] as const
    const changes = compare(direction, ...resolved, place)
    found.set(key, changes)
    return changes
  }

  /** Each alternative that one side may send must be one that the other side knows. */
  function compareInline(direction: Direction, before: Schema, after: Schema, at: string) {
    const [old, current] = [alternatives(before), alternatives(after)]
    const [first, other] = [old[0], current[0]]
    if (old.length === 1 && current.length === 1 && first && other) {
      return compareOne(direction, first, other, at)
    }
    const isInput = direction === 'input'
    return (isInput ? old : current).flatMap((sent) => {
      const results = (isInput ? current : old)
        .toSorted((a, b) => Number(b.type === sent.type) - Number(a.type === sent.type))
        .map((known) =>
          isInput ? compare('input', sent, known, at) : compare('output', known, sent, at),
        )
      return results.find((changes) => changes.length === 0) ?? results[0] ?? []
    })
  }

  function compareOne(direction: Direction, before: Schema, after: Schema, at: string): string[] {
    if (before.allOf || after.allOf) throw new Error(`${at} has allOf, which is not compared`)
    const mismatch = direction === 'input' ? narrowedType(before, after) : newType(before, after)
    if (mismatch) return [`${at} ${mismatch}`]
    const own = direction === 'input' ? narrowedInput(before, after) : changedOutput(before, after)
    return [
      ...own.map((change) => `${at} ${change}`),
      ...compareFields(direction, before, after, at),
      ...(before.items && after.items
        ? compare(direction, before.items, after.items, `${at}[]`)
        : []),
    ]
  }

  function compareFields(direction: Direction, before: Schema, after: Schema, at: string) {
    const changes = Object.entries(before.properties ?? {}).flatMap(([name, field]) => {
      const current = after.properties?.[name]
      return current
        ? compare(direction, field, current, `${at}.${name}`)
        : [`${at}.${name} is removed`]
    })
    const [old = [], current = []] = [before.required, after.required]
    const differing =
      direction === 'input'
        ? current.filter((name) => !old.includes(name)).map((name) => `${name} is required now`)
        : old
            .filter((name) => !current.includes(name) && after.properties?.[name])
            .map((name) => `${name} may be absent now`)
    return [...changes, ...differing.map((change) => `${at}.${change}`)]
  }

  return compare
}

const nameOf = ({ $ref }: Schema) => $ref?.replace('#/components/schemas/', '')

function resolve(schemas: Schemas, schema: Schema): Schema {
  const name = nameOf(schema)
  if (!name) return schema
  const found = schemas[name]
  if (!found) throw new Error(`No schema ${name}`)
  return found
}

function alternatives(schema: Schema): Schema[] {
  const { type } = schema
  if (Array.isArray(type)) return type.map((each) => ({ ...schema, type: each }))
  return (schema.anyOf ?? schema.oneOf)?.flatMap(alternatives) ?? [schema]
}

const contains = (wide: Schema, narrow: Schema) =>
  wide.type === undefined ||
  wide.type === narrow.type ||
  (wide.type === 'number' && narrow.type === 'integer')

const typeOf = ({ type }: Schema) => type ?? 'any value'

const narrowedType = (before: Schema, after: Schema) =>
  !contains(after, before) && `no longer accepts ${typeOf(before)}`

const newType = (before: Schema, after: Schema) =>
  !contains(before, after) && `may be ${typeOf(after)} now`

const valuesOf = (schema: Schema) => ('const' in schema ? [schema.const] : schema.enum)

const json = (values: unknown[]) => values.map((value) => JSON.stringify(value)).join(', ')

/** What a client could send and no longer can, or means something else now. */
function narrowedInput(before: Schema, after: Schema): string[] {
  const [old, current] = [valuesOf(before), valuesOf(after)]
  const lost = current && old?.filter((value) => !current.includes(value))
  const rejectsMore = after.additionalProperties === false && before.additionalProperties !== false
  const limits = [
    ...UPPER.filter((key) => (after[key] ?? Infinity) < (before[key] ?? Infinity)),
    ...LOWER.filter((key) => (after[key] ?? -Infinity) > (before[key] ?? -Infinity)),
    ...EXACT.filter((key) => after[key] !== undefined && after[key] !== before[key]),
  ]
  return [
    ...(lost && lost.length > 0 ? [`no longer accepts ${json(lost)}`] : []),
    ...(current && !old ? [`only accepts ${json(current)} now`] : []),
    ...(rejectsMore ? ['rejects unknown fields now'] : []),
    ...limits.map((key) => `has another ${key} now: ${after[key]}`),
    ...(before.default !== undefined && before.default !== after.default
      ? [`has another default now: ${after.default}`]
      : []),
  ]
}

/** What a client relies on. New values are no breaking change: docs/api-changelog.md says so. */
function changedOutput(before: Schema, after: Schema): string[] {
  const [old, current] = [valuesOf(before), valuesOf(after)]
  return [
    ...(old && current && !current.some((value) => old.includes(value))
      ? [`is no longer ${json(old)}`]
      : []),
    ...(before.format && before.format !== after.format
      ? [`has another format now: ${after.format}`]
      : []),
  ]
}
