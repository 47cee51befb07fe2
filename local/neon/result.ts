import type pg from 'pg'

export interface RawResult {
  command: string | null
  rowCount: number | null
  fields: pg.FieldDef[]
  /** Values in PostgreSQL's text format. */
  rows: (string | null)[][]
}

/** One result as Neon's proxy writes it. */
export function resultBody({ command, rowCount, fields, rows }: RawResult) {
  return {
    command: command ?? '',
    rowCount,
    rowAsArray: true,
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
