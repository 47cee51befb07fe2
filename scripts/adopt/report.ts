/** The report: a line for each row of the old tables, or several, as CSV for a spreadsheet. */
import { open } from 'node:fs/promises'
import { stringify } from 'csv-stringify/sync'
import { CommandError } from '../command-line.ts'

export type ReportLine = {
  /** The old table. */
  table: string
  id: string
  /** What happens to the row: see the help of the command. */
  action: string
  field?: string
  reason?: string
  old?: string | null
  new?: string | null
}

const COLUMNS = ['table', 'id', 'action', 'field', 'reason', 'old', 'new', 'decision']

/** Cells that a spreadsheet would run as a formula begin with an apostrophe (OWASP, CSV injection). */
const OPTIONS = { columns: COLUMNS, escape_formulas: true }

export type Report = { write(lines: ReportLine[]): Promise<void>; close(): Promise<void> }

/**
 * Begins a report anew. Names and emails are in it, so nobody else may read it, whoever could read the one before.
 *
 * @throws {CommandError} if it can't be written
 */
export async function openReport(file: string): Promise<Report> {
  const handle = await open(file, 'w', 0o600).catch(({ code }: NodeJS.ErrnoException) => {
    throw new CommandError(`Can't write ${file}: ${code}.`, 2)
  })
  if ((await handle.stat()).isFile()) await handle.chmod(0o600)
  await handle.write(stringify([], { ...OPTIONS, header: true }))
  return {
    async write(lines) {
      await handle.write(stringify(lines, OPTIONS))
    },
    close: () => handle.close(),
  }
}
