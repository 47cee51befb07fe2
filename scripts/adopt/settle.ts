/** What becomes of the old rows, as far as it takes to look at all of them, and at the accounts here. */
import type pg from 'pg'
import { FIELDS, type Field } from './account.ts'
import { digestOf, type Tables } from './tables.ts'

/**
 * The state of a staged row.
 *
 * - `new`: is imported
 * - `changed`: was imported, and has changed in the old database since: is changed here too
 * - `same`: was imported, and nothing has changed
 * - `ours`: was imported, and changed here since: stays as it is
 * - `conflict`: has changed there and here since: stays as it is here
 * - `rejected`: is not imported, and if it was before, stays as it is here
 */
export type State = 'new' | 'changed' | 'same' | 'ours' | 'conflict' | 'rejected'

/** Settles all rows of a type: rejects, renames, and compares with what was imported before. */
export async function settle(client: pg.Client, tables: Tables): Promise<void> {
  if (tables.accountType === 'admin') await settleFormerAdmins(client)
  await rejectRepeatedIds(client, tables)
  await rejectTakenIds(client, tables)
  await findKept(client, tables)
  await rejectTakenEmails(client, tables)
  await findKept(client, tables)
  await renameOthersEmails(client, tables)
  for (const candidate of CANDIDATES) await renameTakenNames(client, tables, candidate)
  await rejectTakenNames(client, tables)
  await compare(client, tables)
}

/** One more finding of a staged row, as SQL. */
const withFinding = (finding: Record<string, string>) => {
  const pairs = Object.entries(finding).map(([name, sql]) => `'${name}', ${sql}`)
  return `coalesce(s.findings, '[]') || jsonb_build_array(jsonb_build_object(${pairs.join(', ')}))`
}

const reject = (field: 'id' | 'username' | 'email', reason: string, isDecided = 'false') => {
  const old = field === 'id' ? 'null' : `s.${field}`
  const finding = { action: `'reject'`, field: `'${field}'`, reason, old, isDecided }
  return `state = 'rejected', findings = ${withFinding(finding)}`
}

/** A new username, and the one that the old row has. */
const rename = (
  name: string,
  reason: string,
) => `username = ${name}, seen = ${name}, is_renamed = true,
  raw = jsonb_build_object('username', s.username) || coalesce(s.raw, '{}'),
  findings = ${withFinding({ action: `'change'`, field: `'username'`, reason, old: 's.username', new: name })}`

/**
 * Where both tables are in use, `admins` is the one that the old service reads: who is in `admin` alone may have
 * been removed for a reason.
 */
async function settleFormerAdmins(client: pg.Client) {
  const isInBoth = `exists (select from pg_temp.staged_admins o where o.source = 'admins' and o.id = s.id)`
  await client.query(`
    update pg_temp.staged_admins s
    set ${reject('id', `'is also in the table admins, whose row is used'`, 'true')}
    where s.source = 'admin' and s.state <> 'rejected' and ${isInBoth}`)
  await client.query(`
    update pg_temp.staged_admins s set ${reject('id', `'is in admin but not in admins: decide import or skip'`)}
    where s.source = 'admin' and s.state <> 'rejected' and not s.is_taken
      and exists (select from pg_temp.staged_admins where source = 'admins')`)
}

/** Only where the old table has lost its primary key, or `admin` is taken besides `admins`. */
const rejectRepeatedIds = (client: pg.Client, { staged }: Tables) =>
  client.query(`
    update ${staged} s set ${reject('id', `'another row has the same id'`)}
    where s.state <> 'rejected' and exists (
      select from ${staged} o where o.id = s.id and o.ctid < s.ctid and o.state <> 'rejected'
    )`)

const rejectTakenIds = (client: pg.Client, { staged, accounts, ledger }: Tables) =>
  client.query(`
    update ${staged} s set ${reject('id', `'is taken here by an account that was not adopted'`)}
    where s.state <> 'rejected' and exists (select from ${accounts} a where a.id = s.id)
      and not exists (select from ${ledger} l where l.id = s.id)`)

/** Accounts here that stay as they are: made or changed here, or not adopted again. */
const findKept = (client: pg.Client, { staged, accounts, ledger, kept, elevated }: Tables) =>
  client.query(`
    truncate ${kept};
    insert into ${kept} (id, username, email)
    select a.id, a.username, a.email from ${accounts} a left join ${ledger} l on l.id = a.id
    where l.id is null or a.deleted_at is not null or l.digest <> ${digestOf('a', elevated)}
      or not exists (select from ${staged} s where s.id = a.id and s.state <> 'rejected')`)

/**
 * The staged rows of which another one has the key, or an account that is kept. Whoever has it here already keeps
 * it, so that no later run takes it away; then those that always had it, spelled exactly so, that are active, that
 * came first.
 */
const rivals = ({ staged, accounts, kept }: Tables, column: 'username' | 'email') => {
  const key = column === 'username' ? 'lower(s.seen)' : 'lower(s.email)'
  const isPlain =
    column === 'username'
      ? `s.seen = s.username and not coalesce(s.raw ? 'username', false)`
      : 'true'
  return `(
    with keys as (
      select ${key} as key, s.source, s.id, false as is_kept, ${isPlain} as is_plain, s.is_renamed, s.is_active
      from ${staged} s where s.state <> 'rejected' and not exists (select from ${kept} k where k.id = s.id)
      union all
      select lower(k.${column}), null, k.id, true, true, false, true from ${kept} k
    ), shared as (select key from keys group by key having count(*) > 1)
    select k.*, row_number() over w as place, first_value(k.id) over w as first,
      first_value(k.is_kept) over w as is_taken_here
    from keys k join shared using (key) left join ${accounts} a on a.id = k.id and lower(a.${column}) = k.key
    window w as (partition by key order by k.is_kept desc, a.id is not null desc, k.is_renamed,
      k.is_plain desc, k.is_active desc, k.id)
  )`
}

const rejectTakenEmails = (client: pg.Client, tables: Tables) =>
  client.query(`
    update ${tables.staged} s set ${reject(
      'email',
      `case when r.is_taken_here then 'is taken here by ${tables.accountType} ' else 'differs only in case or Unicode from that of ${tables.accountType} ' end || r.first`,
    )}
    from ${rivals(tables, 'email')} r
    where r.place > 1 and not r.is_kept and r.source = s.source and r.id = s.id`)

/** A login with it goes to the owner of the email. */
const renameOthersEmails = (client: pg.Client, { staged, kept, accountType }: Tables) =>
  client.query(`
    update ${staged} s set ${rename(`'${accountType}-' || s.id`, `'is the email of ${accountType} ' || o.id`)}
    from (
      select id, lower(email) as email from ${staged} where state <> 'rejected'
      union all select id, lower(email) from ${kept}
    ) o
    where s.state <> 'rejected' and s.username like '%@%' and o.email = lower(s.username) and o.id <> s.id`)

/** New names of accounts whose own is taken, as SQL. Usernames have at most 50 characters. */
const CANDIDATES = [
  `left(s.seen, 38) || '-' || s.id`,
  `rtrim(s.source, 's') || '-' || s.id`,
  `left(md5(s.seen || s.id), 20)`,
]

const renameTakenNames = (client: pg.Client, tables: Tables, candidate: string) =>
  client.query(`
    update ${tables.staged} s set ${rename(
      candidate,
      `case when r.is_taken_here then 'is taken here by ${tables.accountType} ' else 'looks the same as that of ${tables.accountType} ' end || r.first`,
    )}
    from ${rivals(tables, 'username')} r
    where r.place > 1 and not r.is_kept and r.source = s.source and r.id = s.id`)

/** Whoever still has the name of another. */
const rejectTakenNames = (client: pg.Client, tables: Tables) =>
  client.query(`
    update ${tables.staged} s set ${reject('username', `'is taken, and so are the names tried in its place'`)}
    from ${rivals(tables, 'username')} r
    where r.place > 1 and not r.is_kept and r.source = s.source and r.id = s.id`)

const differs = (field: Field, elevated: string) => {
  const column = field === 'elevated' ? elevated : field
  return `case when a.${column} is distinct from s.${field} then '${column}' end`
}

/** What was imported before, and in which columns it differs: see {@link State}. */
const compare = (client: pg.Client, { staged, accounts, ledger, elevated }: Tables) =>
  client.query(`
    update ${staged} s set state = case
      when a.id is null then 'ours'
      when a.deleted_at is null and ${digestOf('a', elevated)} = l.digest
        then case when l.digest = ${digestOf('s')} then 'same' else 'changed' end
      when l.digest = ${digestOf('s')} then 'ours'
      else 'conflict' end,
      differing = concat_ws(', ', ${FIELDS.map((field) => differs(field, elevated)).join(', ')})
    from ${ledger} l left join ${accounts} a on a.id = l.id
    where l.id = s.id and s.state <> 'rejected'`)
