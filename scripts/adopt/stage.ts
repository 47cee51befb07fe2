/** Judges every old row, and sends it by COPY to a temporary table next to the accounts of this service. */
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { FIELDS, type OldRow } from './account.ts'
import { type Decisions, keyOf } from './decisions.ts'
import { type Judged, judge } from './judge.ts'
import type { Progress } from './progress.ts'
import { type OldTable, rowsOf, type Source } from './source.ts'

const COLUMNS = `source, id, is_taken, username, seen, email, full_name, hashed_password, is_active, elevated,
  created_at, updated_at, raw, findings, state`

/** How many hashes there are of each cost. */
export type Costs = Map<number, number>

type Staging = {
  from: pg.Client
  to: pg.Client
  source: Source
  decisions: Decisions
  /** As PostgreSQL writes it in UTC. */
  now: string
  progress: Progress
}

/** Stages all accounts. Returns the costs of their hashes, and the keys of the decisions that a row was found for. */
export async function stageAccounts(staging: Staging) {
  const costs: Costs = new Map()
  const decided = new Set<string>()
  for (const table of staging.source.tables) await stageTable(staging, table, costs, decided)
  await staging.to.query(`
    create index on staged_users (id); create index on staged_admins (id);
    analyze staged_users; analyze staged_admins`)
  return { costs, decided }
}

async function stageTable(
  { from, to, source, decisions, now, progress }: Staging,
  table: OldTable,
  costs: Costs,
  decided: Set<string>,
) {
  const { name, accountType } = table
  progress.begin(`Reading ${name}`, table.estimate)
  const copy = to.query(copyFrom(`copy pg_temp.staged_${accountType}s (${COLUMNS}) from stdin`))
  const copied = finished(copy)
  copied.catch(() => {}) // It is awaited below, or the reading has failed before.
  try {
    for await (const rows of rowsOf(from, source, table)) {
      let lines = ''
      for (const row of rows) {
        const key = keyOf(name, row.id)
        const decision = decisions.get(key)
        if (decision) decided.add(key)
        const judged = judge(row, { accountType, decision, now })
        const cost = Number(judged.account.hashed_password?.slice(4, 6) ?? 0)
        if (cost > 0) costs.set(cost, (costs.get(cost) ?? 0) + 1)
        lines += lineOf(name, row, judged, decision?.isTaken === true)
      }
      if (!copy.write(lines)) await Promise.race([once(copy, 'drain'), copied])
      progress.advance(rows.length)
    }
    copy.end()
  } catch (error) {
    copy.destroy()
    throw error
  }
  await copied
  progress.end()
}

function lineOf(table: string, row: OldRow, { account, seen, findings }: Judged, isTaken: boolean) {
  const values: Record<string, string | boolean | null> = account
  // What the old row has otherwise, so that reading and writing can be verified apart.
  const raw = Object.fromEntries(
    FIELDS.filter((field) => row[field] !== undefined && row[field] !== textOf(values[field])).map(
      (field) => [field, row[field]],
    ),
  )
  const isRejected = findings.some(({ action }) => action === 'reject')
  return copyLine([
    ...[table, row.id, String(isTaken), account.username, seen, account.email],
    ...[account.full_name, account.hashed_password, String(account.is_active)],
    ...[String(account.elevated), account.created_at, account.updated_at],
    Object.keys(raw).length > 0 ? JSON.stringify(raw) : null,
    findings.length > 0 ? JSON.stringify(findings) : null,
    isRejected ? 'rejected' : 'new',
  ])
}

const textOf = (value: string | boolean | null | undefined) =>
  typeof value === 'boolean' ? String(value) : value

const ESCAPED: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** A line of COPY's text format. */
const copyLine = (values: (string | null)[]) =>
  `${values.map((value) => value?.replace(/[\\\t\n\r]/g, (found) => ESCAPED[found] ?? found) ?? '\\N').join('\t')}\n`
