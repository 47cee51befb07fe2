/** The old database: which tables it has, and their rows as of one moment. */
import type pg from 'pg'
import { type AccountType, TABLES } from '../../src/db/accounts.ts'
import { CommandError } from '../command-line.ts'
import { FIELDS, type Field, type OldRow } from './account.ts'

/** A table of accounts, in either form of the old service or something in between. */
export type OldTable = {
  name: 'users' | 'admins' | 'admin'
  accountType: AccountType
  /** The columns that it has of those that are taken, as SQL that gives text. */
  columns: Map<'id' | Field, string>
  /** Columns that are left behind. */
  ignored: string[]
  /** About how many rows, for the progress. */
  estimate: number
}

export type Source = {
  schema: string
  tables: OldTable[]
  /** What the table of reset links lacks. Undefined: there is no such table, as in the first form. */
  missingOfResets: string[] | undefined
}

/** `admins` before `admin`: where both have an account, the later table is right. */
const OLD_TABLES = { users: 'user', admins: 'admin', admin: 'admin' } as const

const REQUIRED = ['id', 'username', 'email', 'hashed_password'] as const

const RESET_COLUMNS = ['id', 'user_id', 'token', 'expires_at', 'used'] as const

type Column = { table: string; name: string; type: string; estimate: number }

/**
 * Begins the one transaction in which the old database is read. It can't write, and sees one moment.
 *
 * @param schema of the old tables
 * @throws {CommandError} if they are not there, or lack what can't be done without
 */
export async function openSource(client: pg.Client, schema: string): Promise<Source> {
  await client.query('begin transaction isolation level repeatable read, read only')
  const columns = await findColumns(client, schema)
  const tables = (Object.keys(OLD_TABLES) as (keyof typeof OLD_TABLES)[])
    .filter((name) => columns.some(({ table }) => table === name))
    .map((name) => describe(name, columns))
  if (!tables.some(({ name }) => name === 'users')) {
    throw new CommandError(
      `--from has no table ${schema}.users. Are the old tables in another schema? Pass it: --schema <name>`,
      2,
    )
  }
  const resets = columns.filter(({ table }) => table === 'password_reset_tokens')
  const missing = RESET_COLUMNS.filter((column) => !resets.some(({ name }) => name === column))
  return { schema, tables, missingOfResets: resets.length > 0 ? missing : undefined }
}

async function findColumns(client: pg.Client, schema: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type,
      greatest(c.reltuples, 0)::float8 as estimate
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm')
      and c.relname in ('users', 'admins', 'admin', 'password_reset_tokens')
    order by c.relname, a.attnum`,
    [schema],
  )
  return rows
}

function describe(name: keyof typeof OLD_TABLES, all: Column[]): OldTable {
  const own = all.filter(({ table }) => table === name)
  const missing = REQUIRED.filter((required) => !own.some((column) => column.name === required))
  if (missing.length > 0) {
    throw new CommandError(`The old table ${name} has no column ${missing.join(' and no ')}.`)
  }
  if (own.some((column) => column.name === 'session_epoch')) {
    throw new CommandError(
      `The table ${name} of --from is one of this service, not of the old one. Are --from and --to the wrong way round?`,
      2,
    )
  }
  const idType = own.find((column) => column.name === 'id')?.type ?? ''
  if (!/^(small|big)?int(eger)?$/.test(idType)) {
    throw new CommandError(
      `The ids of the old table ${name} are of the type ${idType}: only integers can be kept.`,
    )
  }
  const accountType = OLD_TABLES[name]
  const { elevated } = TABLES[accountType]
  const known = new Map<string, 'id' | Field>([
    ['id', 'id'],
    ...FIELDS.map((field) => [field === 'elevated' ? elevated : field, field] as const),
  ])
  return {
    name,
    accountType,
    columns: new Map(
      own.flatMap((column) => {
        const field = known.get(column.name)
        return field === undefined ? [] : [[field, textOf(column)] as const]
      }),
    ),
    ignored: own.filter((column) => !known.has(column.name)).map((column) => column.name),
    estimate: own[0]?.estimate ?? 0,
  }
}

/** A time without a zone is in UTC, which is what the connection is set to. */
const textOf = ({ name, type }: Column) =>
  /^(timestamp|date)/.test(type) ? `${name}::timestamptz::text` : `${name}::text`

/** Rows at a time. */
const FETCHED_ROWS = 5_000

/** The rows of a table by id, some at a time. The next ones are on their way meanwhile. */
export async function* rowsOf(
  client: pg.Client,
  { schema }: Source,
  { name, columns }: OldTable,
): AsyncGenerator<OldRow[]> {
  const list = [...columns.values()].join(', ')
  await client.query(
    `declare old_rows no scroll cursor for select ${list} from ${client.escapeIdentifier(schema)}.${name} order by id`,
  )
  const fields = [...columns.keys()]
  const fetch = () =>
    client.query<(string | null)[]>({
      text: `fetch ${FETCHED_ROWS} from old_rows`,
      rowMode: 'array',
    })
  let next = fetch()
  for (;;) {
    const { rows } = await next
    if (rows.length === 0) break
    next = fetch()
    next.catch(() => {}) // It is awaited in the next round, unless nobody asks for one.
    yield rows.map((row) => Object.fromEntries(row.map((value, i) => [fields[i], value])) as OldRow)
  }
  await client.query('close old_rows')
}

export type OldReset = { id: string; userId: string; token: string; expiresAt: string }

/** The reset links that the old service would accept now. They last an hour: what lasts for days is a mistake. */
export async function* openResetsOf(client: pg.Client, { schema, missingOfResets }: Source) {
  if (missingOfResets?.length !== 0) return
  // Times without a zone are in UTC, as the connection is.
  await client.query(
    `declare old_resets no scroll cursor for
      select id::text, user_id::text as "userId", token::text, expires_at::timestamptz::text as "expiresAt"
      from ${client.escapeIdentifier(schema)}.password_reset_tokens
      where used is not true and expires_at::timestamptz between now() and now() + interval '1 day'
      order by id`,
  )
  for (;;) {
    const { rows } = await client.query<OldReset>(`fetch ${FETCHED_ROWS} from old_resets`)
    if (rows.length === 0) return
    yield rows
  }
}
