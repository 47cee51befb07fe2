import pg from 'pg'
import { parseArray } from './array.ts'

type Row = (string | null)[]

export interface RawResult {
  command: string | null
  rowCount: number | null
  fields: pg.FieldDef[]
  /** Values in PostgreSQL's text format. */
  rows: Row[]
}

/** Element types of the arrays whose elements are no strings in JSON (catalogue pg_type). */
const ELEMENT_TYPES = new Map([
  [1000, pg.types.builtins.BOOL],
  [1005, pg.types.builtins.INT2],
  [1007, pg.types.builtins.INT4],
  [1021, pg.types.builtins.FLOAT4],
  [1022, pg.types.builtins.FLOAT8],
  [199, pg.types.builtins.JSON],
  [3807, pg.types.builtins.JSONB],
])
/** Arrays that stay arrays of strings: bytea, text, varchar, int8, dates, numeric, uuid … */
const STRING_ARRAYS = new Set([
  1001, 1002, 1003, 1009, 1014, 1015, 1016, 1028, 1041, 1115, 1182, 1183, 1185, 1187, 1231, 2951,
])

/** What Neon answers without `Neon-Raw-Text-Output`; int8 and numeric stay strings. */
function jsonValue(text: string, type: number): unknown {
  const { BOOL, INT2, INT4, FLOAT4, FLOAT8, JSON: JSON_TYPE, JSONB } = pg.types.builtins
  switch (type) {
    case BOOL:
      return text === 't'
    case INT2:
    case INT4:
      return Number(text)
    case FLOAT4:
    case FLOAT8:
      return Number.isFinite(Number(text)) ? Number(text) : text
    case JSON_TYPE:
    case JSONB:
      return JSON.parse(text)
  }
  const element = ELEMENT_TYPES.get(type)
  if (element !== undefined) return parseArray(text, (item) => jsonValue(item, element))
  return STRING_ARRAYS.has(type) ? parseArray(text, (item) => item) : text
}

/** One result as Neon's proxy writes it. */
export function resultBody(result: RawResult, options: { rawText: boolean; arrayMode: boolean }) {
  const { fields } = result
  const types = fields.map((field) => field.dataTypeID)
  const names = fields.map((field) => field.name)
  const rows = result.rows.map((row) => {
    const values = options.rawText
      ? row
      : row.map((text, i) => (text === null ? null : jsonValue(text, types[i] ?? 0)))
    return options.arrayMode
      ? values
      : Object.fromEntries(values.map((value, i) => [names[i] ?? '', value]))
  })
  return {
    command: result.command ?? '',
    rowCount: result.rowCount,
    rowAsArray: options.arrayMode,
    fields: fields.map((field) => ({
      name: field.name,
      dataTypeID: field.dataTypeID,
      tableID: field.tableID,
      columnID: field.columnID,
      dataTypeSize: field.dataTypeSize,
      dataTypeModifier: field.dataTypeModifier,
      format: 'text',
    })),
    rows,
  }
}
