import * as z from 'zod/mini'
import { type Database, DatabaseError } from './client.ts'

/** The types of parameters: by PostgreSQL's name, and what TypeScript passes. */
type SqlTypes = {
  bigint: number
  boolean: boolean
  /** `\\x` and hex. */
  bytea: string
  integer: number
  text: string
  /** ISO 8601. */
  timestamptz: string
  uuid: string
  'uuid[]': readonly string[]
}

/** `text?` may be null or left out. */
type ParameterType = keyof SqlTypes | `${keyof SqlTypes}?`

type ParameterTypes = Readonly<Record<string, ParameterType>>

type RequiredValues<P extends ParameterTypes> = {
  [Name in keyof P as P[Name] extends keyof SqlTypes ? Name : never]: P[Name] extends keyof SqlTypes
    ? SqlTypes[P[Name]]
    : never
}

type OptionalValues<P extends ParameterTypes> = {
  [Name in keyof P as P[Name] extends `${string}?`
    ? Name
    : never]?: P[Name] extends `${infer T extends keyof SqlTypes}?`
    ? SqlTypes[T] | null | undefined
    : never
}

/** What a statement with these parameters is called with. */
export type Values<P extends ParameterTypes> = RequiredValues<P> & OptionalValues<P>

/** The placeholder of each parameter, as it stands in the text of a statement: `$1::uuid`. */
export type Placeholders<P extends ParameterTypes> = { readonly [Name in keyof P]: string }

/** Turns the rows of a response into what the statement returns. */
type Reader<Result> = (rows: unknown[]) => Result

/**
 * A statement of SQL, to be called with a database and the values of its parameters. Its text is made
 * once, when the module is loaded, so it can't contain anything of a request.
 *
 * @throws {DatabaseError} when it fails, or its rows have another shape than declared
 */
export type Statement<P extends ParameterTypes, Result> = {
  (db: Database, values: Values<P>): Promise<Result>
  readonly text: string
  readonly parameters: P
}

type Definition<P extends ParameterTypes, Result> = {
  parameters: P
  returns: Reader<Result>
  sql: (placeholders: Placeholders<P>) => string
}

/** A statement that changes nothing: it is sent once more when there was no response. */
export const read = <const P extends ParameterTypes, Result>(definition: Definition<P, Result>) =>
  define('read', definition)

/** A statement that writes: it is sent once, as a lost response leaves open whether it ran. */
export const write = <const P extends ParameterTypes, Result>(definition: Definition<P, Result>) =>
  define('write', definition)

function define<const P extends ParameterTypes, Result>(
  connection: keyof Database,
  { parameters, returns, sql }: Definition<P, Result>,
): Statement<P, Result> {
  const names = Object.keys(parameters)
  const placeholder = (name: string, index: number) =>
    [name, `$${index + 1}::${parameters[name]?.replace('?', '')}`] as const
  const text = sql(Object.fromEntries(names.map(placeholder)) as Placeholders<P>)

  async function run(db: Database, values: Record<string, unknown>) {
    return returns(
      await db[connection](
        text,
        names.map((name) => values[name] ?? null),
      ),
    )
  }
  return Object.assign(run, { text, parameters })
}

/** Any number of rows of this shape. */
export function many<Row extends z.ZodMiniType>(row: Row): Reader<z.output<Row>[]> {
  const shape = z.array(row)
  return (rows) => {
    const parsed = shape.safeParse(rows)
    if (!parsed.success) throw new DatabaseError('unexpected_rows')
    return parsed.data
  }
}

/** At most one row. */
export function maybeOne<Row extends z.ZodMiniType>(row: Row): Reader<z.output<Row> | undefined> {
  const readRows = many(row)
  return (rows) => readRows(rows)[0]
}

/** Always one row. */
export function one<Row extends z.ZodMiniType>(row: Row): Reader<z.output<Row>> {
  const readRow = maybeOne(row)
  return (rows) => {
    const found = readRow(rows)
    if (found === undefined) throw new DatabaseError('unexpected_rows')
    return found
  }
}

/** Nothing that the caller needs. */
export const nothing: Reader<void> = () => {}

/** The columns of a row, as a list for `select` or `returning`. */
export const columnsOf = (row: z.ZodMiniObject) => Object.keys(row.shape).join(', ')

/** Asks the database for nothing but a response. Sent once: a health check reports the present state. */
export const ping = write({
  parameters: {},
  returns: one(z.object({ alive: z.literal(1) })),
  sql: () => 'select 1 as alive',
})
