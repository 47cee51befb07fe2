/** What an adoption comes to: the report row by row, and its numbers. */
import type pg from 'pg'
import type { Finding } from './account.ts'
import type { Report, ReportLine } from './report.ts'
import type { State } from './settle.ts'
import type { Tables } from './tables.ts'

/** How many accounts of a type. */
export type Counts = {
  imported: number
  /** Of the imported, those that are not taken as they are. */
  changed: number
  rejected: number
  /** Of the rejected, those that somebody should decide about. */
  undecided: number
  updated: number
  unchanged: number
  conflicts: number
  /** Adopted before, and not in the old database any more. */
  deleted: number
}

const isChange = `coalesce(s.findings @> '[{"action": "change"}]', false)`
const isDecided = `coalesce(s.findings @> '[{"isDecided": true}]', false)`

const vanished = ({ ledger, accounts, staged }: Tables) => `
  from ${ledger} l join ${accounts} a on a.id = l.id and a.deleted_at is null
  where not exists (select from ${staged} s where s.id = l.id)`

/** @param isRepeat what an unfinished run imported counts as imported, else as unchanged */
export async function count(client: pg.Client, tables: Tables, isRepeat: boolean): Promise<Counts> {
  const imported = isRepeat ? `s.state = 'new'` : `s.state in ('new', 'same')`
  const { rows } = await client.query<Counts>(
    `select count(*) filter (where ${imported})::int as imported,
      count(*) filter (where ${imported} and ${isChange})::int as changed,
      count(*) filter (where s.state = 'rejected')::int as rejected,
      count(*) filter (where s.state = 'rejected' and not ${isDecided})::int as undecided,
      count(*) filter (where s.state = 'changed')::int as updated,
      count(*) filter (where s.state in ('same', 'ours') and not ${imported})::int as unchanged,
      count(*) filter (where s.state = 'conflict')::int as conflicts,
      (select count(*) ${vanished(tables)})::int as deleted
    from ${tables.staged} s`,
  )
  const [counts] = rows
  if (!counts) throw new Error('An aggregate without a row')
  return counts
}

/** Whether nobody could appoint admins afterwards. The first form of the old tables has no superadmins. */
export async function lacksSuperadmin(client: pg.Client, { staged, accounts }: Tables) {
  const { rows } = await client.query(
    `select from ${accounts} where is_superadmin and is_active and deleted_at is null
    union all select from ${staged} where elevated and is_active and state = 'new'
    limit 1`,
  )
  return rows.length === 0
}

const REPORTED_ROWS = 5_000

type Row = {
  source: string
  id: string
  state: State
  /** Columns in which a row that was adopted before differs from the account here. */
  differing: string | null
  findings: Finding[] | null
}

/** Writes a line or more for each row, a part at a time. After the first adoption only for what is new. */
export async function report(
  client: pg.Client,
  tables: Tables,
  isRepeat: boolean,
  output: Report,
): Promise<void> {
  await client.query('begin')
  await client.query(
    `declare staged no scroll cursor for select source, id::text, state, differing, findings from ${tables.staged} s
    ${isRepeat ? "where state not in ('same', 'ours')" : ''} order by source, s.id`,
  )
  for (;;) {
    const { rows } = await client.query<Row>(`fetch ${REPORTED_ROWS} from staged`)
    if (rows.length === 0) break
    await output.write(rows.flatMap((row) => linesOf(row, tables)))
  }
  await client.query('commit')
  const { rows } = await client.query<{ id: string }>(
    `select l.id::text ${vanished(tables)} order by l.id`,
  )
  const reason = 'is no longer in the old database: stays here until an admin deletes it'
  await output.write(
    rows.map(({ id }) => ({ table: tables.plural, id, action: 'deleted', reason })),
  )
}

const STATES: Partial<Record<State, Pick<ReportLine, 'action' | 'reason'>>> = {
  changed: { action: 'update', reason: 'has changed in the old database since it was adopted' },
  conflict: {
    action: 'conflict',
    reason:
      'has changed in both databases since it was adopted: stays as it is here. Decide skip to accept that',
  },
  ours: { action: 'keep', reason: 'has changed here since it was adopted: stays as it is here' },
}

function linesOf(
  { source, id, state, differing, findings }: Row,
  { elevated }: Tables,
): ReportLine[] {
  const row = { table: source, id }
  const known = STATES[state] && { ...STATES[state], field: differing ?? '' }
  if (known && state !== 'changed') return [{ ...row, ...known }]
  const said = summarize(findings ?? [], state === 'rejected')
  const lines = said.map(({ action, field, reason, old, new: now }) => ({
    ...row,
    ...{ action, field: field === 'elevated' ? elevated : field, reason },
    ...{ old: old ?? null, new: now ?? null },
  }))
  if (known) return [{ ...row, ...known }, ...lines]
  return lines.length > 0 ? lines : [{ ...row, action: 'import' }]
}

/** Of a rejected row, why it is; else one change a field, and what it is left with. */
function summarize(findings: Finding[], isRejected: boolean): Finding[] {
  if (isRejected) return findings.filter(({ action }) => action === 'reject')
  return findings.flatMap((finding, index) => {
    const isSameField = ({ action, field }: Finding) =>
      action === 'change' && field === finding.field
    if (findings.slice(index + 1).some(isSameField)) return []
    if (finding.action !== 'change') return [finding]
    const changes = findings.filter(isSameField)
    const reason = changes.map((change) => change.reason).join('; ')
    return [{ ...finding, reason, old: changes[0]?.old ?? null }]
  })
}
