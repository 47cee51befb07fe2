/** Writes what was settled. Each step is one statement or transaction, so a run that is killed can be repeated. */
import type pg from 'pg'
import { MAX_ID } from './judge.ts'
import type { Progress } from './progress.ts'
import { digestOf, type Tables } from './tables.ts'

/** Accounts a transaction: a fifth of a second's work. */
const BATCH_ROWS = 2_000

/** Ids that the old service can give out until the switch without meeting those given out here. */
const ID_GAP = 10_000

const COLUMNS = 'username, email, full_name, hashed_password, is_active'

/**
 * The next id of an account that is made here follows all old ones, those of rejected rows too: an old token must
 * never be one of another account.
 *
 * @param isFirst the old service goes on for a while, so the gap is left
 */
export async function raiseSequence(
  client: pg.Client,
  { plural, staged, accounts }: Tables,
  isFirst: boolean,
): Promise<void> {
  await client.query(
    `select setval('public.${plural}_id_seq', greatest(
      (select last_value from public.${plural}_id_seq),
      (select max(id) + $1 from ${staged} where id <= ${MAX_ID}),
      (select max(id) from ${accounts})
    )) from (select from ${staged} limit 1) as any_row`,
    [isFirst ? ID_GAP : 0],
  )
}

/** Imports the accounts that are new, by their id, with what is remembered of each in the same statement. */
export async function importNew(client: pg.Client, tables: Tables, progress: Progress) {
  const { plural, accounts, elevated, staged, ledger } = tables
  const { rows } = await client.query(
    `select count(*)::int as count from ${staged} where state = 'new'`,
  )
  if (rows[0].count === 0) return
  progress.begin(`Importing ${plural}`, rows[0].count)
  for (let after = 0; ; ) {
    const batch = await client.query(
      `with batch as materialized (
        select * from ${staged} s where s.state = 'new' and s.id > $1 order by s.id limit ${BATCH_ROWS}
      ), imported as (
        insert into ${accounts} (id, ${COLUMNS}, ${elevated}, created_at, updated_at, adopted_at)
        select id, ${COLUMNS}, elevated, created_at, updated_at, now() from batch
      ), remembered as (
        insert into ${ledger} (id, digest) select s.id, ${digestOf('s')} from batch s
      )
      select count(*)::int as count, max(id)::int as last from batch`,
      [after],
    )
    const { count, last } = batch.rows[0]
    if (count === 0) break
    after = last
    progress.advance(count)
  }
  progress.end()
}

/**
 * Changes what has changed in the old database. Whose password changed there, or who was disabled, is signed out
 * here. Returns when all of it is done, or nothing.
 */
export async function importChanges(client: pg.Client, tables: Tables): Promise<void> {
  const { accounts, elevated, staged, ledger, sessions, resets, resetOwner } = tables
  const isUnchangedHere = `a.deleted_at is null and ${digestOf('a', elevated)} = l.digest`
  await client.query('begin')
  // Since they were compared, somebody may have changed one of them here.
  await client.query(
    `select from ${accounts} a where id in (select id from ${staged} where state = 'changed')
    order by id for no key update`,
  )
  await client.query(
    `update ${staged} s set state = 'conflict' from ${accounts} a, ${ledger} l
    where s.state = 'changed' and a.id = s.id and l.id = s.id and not (${isUnchangedHere})`,
  )
  const changed = `a.id = s.id and s.state = 'changed'`
  await client.query(
    `with concerned as (
      select a.id from ${accounts} a, ${staged} s where ${changed}
        and (a.hashed_password is distinct from s.hashed_password or a.is_active and not s.is_active)
    ), ended as (
      update ${sessions} set revoked_at = now()
      where account_id in (select id from concerned) and revoked_at is null
    )
    delete from ${resets} where ${resetOwner} in (select id from concerned)`,
  )
  // Two accounts may have changed names with each other.
  await client.query(
    `update ${accounts} a set username = gen_random_uuid(), email = gen_random_uuid() from ${staged} s
    where ${changed} and (lower(a.username), lower(a.email)) is distinct from (lower(s.username), lower(s.email))`,
  )
  await client.query(
    `update ${accounts} a set username = s.username, email = s.email, full_name = s.full_name,
      hashed_password = s.hashed_password, is_active = s.is_active, ${elevated} = s.elevated,
      created_at = s.created_at, updated_at = s.updated_at
    from ${staged} s where ${changed}`,
  )
  await client.query(
    `update ${ledger} l set digest = ${digestOf('s')} from ${staged} s
    where l.id = s.id and s.state = 'changed'`,
  )
  await client.query('commit')
}
