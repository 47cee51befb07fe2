/** What somebody wrote into the column `decision` of a report. */
import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import * as z from 'zod/mini'
import { Email, FullName, Username } from '../../src/routes/input.ts'
import { CommandError } from '../command-line.ts'
import type { Decision } from './judge.ts'
import { flagOf } from './values.ts'

/** By table and id: `users 42`. */
export type Decisions = ReadonlyMap<string, Decision>

export const keyOf = (table: string, id: string | number) => `${table} ${id}`

const DecisionLine = z.object({ table: z.string(), id: z.string(), decision: z.string() })

const TAKES = 'skip, import, username=…, email=…, full_name=… or is_active=true|false'

/**
 * Reads the decisions of a report, as a spreadsheet may have saved it. Lines without one are passed over.
 *
 * @throws {CommandError} for a file that is none, and for a decision that the service could not keep
 */
export async function readDecisions(file: string): Promise<Decisions> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandError(`Can't read ${file}.`, 2)
  })
  const decisions = new Map<string, Decision>()
  for (const [index, record] of parseTable(file, text).entries()) {
    const { success, data } = DecisionLine.safeParse(record)
    if (!success) throw new CommandError(`${file} has no columns table, id and decision.`, 2)
    if (data.decision === '') continue
    const key = keyOf(data.table, data.id.replace("'", ''))
    const decision = decisions.get(key) ?? { account: {} }
    const problem = decide(decision, data.decision, data.table)
    if (problem) throw new CommandError(`${file}, record ${index + 1} (${key}): ${problem}`, 2)
    decisions.set(key, decision)
  }
  return decisions
}

function parseTable(file: string, text: string): unknown[] {
  try {
    // Spreadsheets separate by what their country does.
    const delimiter = /^\ufeff?"?table"?([,;\t])/.exec(text)?.[1] ?? ','
    return parse(text, { bom: true, columns: true, delimiter, trim: true })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${file} is not a CSV file: ${reason}`, 2)
  }
}

const RULES = { username: Username, email: Email, full_name: FullName }

/** Adds to a decision, or returns why it can't be. */
function decide(decision: Decision, text: string, table: string): string | undefined {
  const [, written = '', value = ''] = /^(\w+)(?:\s*=\s*(.*))?$/s.exec(text) ?? []
  const name = written.toLowerCase() // Spreadsheets capitalize.
  if (name === 'skip') decision.isSkipped = true
  else if (name === 'import') {
    if (table !== 'admin') {
      return 'import is only for rows of the table admin. Others need skip, or a value such as email=…'
    }
    decision.isTaken = true
  } else if (name === 'is_active' && flagOf(value) !== undefined) {
    decision.account.is_active = flagOf(value) === true
  } else if (name === 'username' || name === 'email' || name === 'full_name') {
    const { error, data } = RULES[name].safeParse(value)
    if (error) return `${name} ${error.issues[0]?.message}`
    Object.assign(decision.account, { [name]: data })
  } else return `a decision is ${TAKES}; not '${text}'`
  return undefined
}
