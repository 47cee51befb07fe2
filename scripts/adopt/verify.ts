/** Compares what was read with the old tables, and what was written with what was to be written. */
import type pg from 'pg'
import { FIELDS } from './account.ts'
import type { OldTable, Source } from './source.ts'
import type { Tables } from './tables.ts'

/** A number for a value of a row, as SQL that any PostgreSQL computes alike. */
const checksum = (id: string, text: string) =>
  `sum(('x' || left(md5(convert_to(${id}::text || coalesce('=' || ${text}, '-'), 'UTF8')), 8))::bit(32)::bigint)::text`

type Sums = Record<string, string | null>

async function sumsOf(client: pg.Client, columns: Map<string, string>, id: string, rest: string) {
  const sums = [...columns].map(([name, text]) => `${checksum(id, text)} as ${name}`)
  const { rows } = await client.query<Sums>(`select count(*)::text as rows, ${sums} ${rest}`)
  return rows[0] ?? {}
}

const differences = (what: string, one: Sums, other: Sums) =>
  Object.keys(one)
    .filter((column) => one[column] !== other[column])
    .map((column) => `${what}: ${column} differ`)

/** That what was staged is what the old table has, each column to the letter. */
export async function verifyReading(
  from: pg.Client,
  to: pg.Client,
  { schema }: Source,
  { name, accountType, columns }: OldTable,
): Promise<string[]> {
  const fields = FIELDS.filter((field) => columns.has(field))
  const old = new Map(fields.map((field) => [field, columns.get(field) ?? '']))
  const staged = new Map(
    fields.map((field) => [
      field,
      `case when s.raw ? '${field}' then s.raw->>'${field}' else s.${field}::text end`,
    ]),
  )
  const [inSource, inStage] = await Promise.all([
    sumsOf(from, old, 'id', `from ${from.escapeIdentifier(schema)}.${name}`),
    sumsOf(to, staged, 's.id', `from pg_temp.staged_${accountType}s s where s.source = '${name}'`),
  ])
  return differences(`${name} as read`, inSource, inStage)
}

const IMPORTED = `s.state in ('new', 'changed', 'same')`

/** That the accounts are what was staged, each column, and that totals and the next id fit them. */
export async function verifyWriting(to: pg.Client, tables: Tables): Promise<string[]> {
  const { plural, staged, accounts, elevated } = tables
  const wanted = new Map(FIELDS.map((field) => [field, `s.${field}::text`]))
  const written = new Map(
    FIELDS.map((field) => [field, `a.${field === 'elevated' ? elevated : field}::text`]),
  )
  const inStage = await sumsOf(to, wanted, 's.id', `from ${staged} s where ${IMPORTED}`)
  const inPlace = await sumsOf(
    to,
    written,
    'a.id',
    `from ${accounts} a where exists (select from ${staged} s where s.id = a.id and ${IMPORTED})`,
  )
  const { rows } = await to.query<{ problem: string }>(
    `select 'the next id is taken' as problem
    where (select last_value from public.${plural}_id_seq) < (select max(id) from ${accounts})
    ${plural === 'users' ? TOTALS : ''}`,
  )
  return [
    ...differences(`${plural} as imported`, inStage, inPlace),
    ...rows.map(({ problem }) => `${plural}: ${problem}`),
  ]
}

/** In one statement with the counts, so that registrations meanwhile are in both or in neither. */
const TOTALS = `union all
  select 'the totals differ from the rows' from (
    select is_active, deleted_at is not null as is_deleted, count(*) as total from public.users group by 1, 2
  ) counted full join (
    select is_active, false as is_deleted, sum(total) as total from public.user_totals group by 1
    union all select is_active, true, total from public.deleted_user_totals
  ) kept using (is_active, is_deleted)
  where coalesce(counted.total, 0) <> coalesce(kept.total, 0)`
