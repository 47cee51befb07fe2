/** What is in a database: counted in the snapshot that is dumped, and again where it is restored. */
import type pg from 'pg'
import * as z from 'zod'

/** Rows, and a checksum that does not depend on their order. */
const Table = z.object({ rows: z.int(), checksum: z.string() })

export const Contents = z.object({
  /** By name with schema. */
  tables: z.record(z.string(), Table),
  /** The last value that was given out. */
  sequences: z.record(z.string(), z.int()),
  /** When the last act was: its line in the audit trail. Null: there is none. */
  newest_row: z.iso.datetime().nullable(),
})

export type Contents = z.output<typeof Contents>

const TABLES = `
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
  order by 1`

const SEQUENCES = `
  select format('%I.%I', schemaname, sequencename) as name, coalesce(last_value, 0)::int as value
  from pg_sequences order by 1`

/** Otherwise a row would read differently in a session with other settings. */
const SETTINGS = `set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';
  set bytea_output = 'hex'; set extra_float_digits = 1`

/** Half of MD5 is enough against accidents, and the sum of numbers has no order. */
const summary = (table: string) => `
  select count(*)::int as rows,
    coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text as checksum
  from ${table} t`

export async function readContents(client: pg.Client): Promise<Contents> {
  await client.query(SETTINGS)
  const tables: Contents['tables'] = {}
  for (const { name } of (await client.query<{ name: string }>(TABLES)).rows) {
    tables[name] = Table.parse((await client.query(summary(name))).rows[0])
  }
  const sequences = (await client.query<{ name: string; value: number }>(SEQUENCES)).rows
  const newest = tables['public.audit_events']
    ? (await client.query<{ at: Date | null }>('select max(at) as at from audit_events')).rows[0]
    : undefined
  return {
    tables,
    sequences: Object.fromEntries(sequences.map(({ name, value }) => [name, value])),
    newest_row: newest?.at?.toISOString() ?? null,
  }
}

/** Where what was restored differs from what was dumped. Sequences have no snapshot, and may be ahead. */
export function differences(dumped: Contents, restored: Contents): string[] {
  const names = new Set([...Object.keys(dumped.tables), ...Object.keys(restored.tables)])
  const ofTables = [...names].flatMap((name) => {
    const [before, after] = [dumped.tables[name], restored.tables[name]]
    if (!before) return [`${name} is not in the backup`]
    if (!after) return [`${name} was not restored`]
    if (before.rows !== after.rows)
      return [`${name} has ${after.rows} rows instead of ${before.rows}`]
    return before.checksum === after.checksum ? [] : [`${name} has rows with other values`]
  })
  const ofSequences = Object.entries(dumped.sequences).flatMap(([name, value]) =>
    (restored.sequences[name] ?? -1) >= value
      ? []
      : [`${name} is behind: ids would be given twice`],
  )
  return [...ofTables, ...ofSequences]
}
