/** The database of this service: whether it is ready, and what it remembers of an adoption. */
import type pg from 'pg'
import { CommandError } from '../command-line.ts'
import { countMissing } from '../migrate.ts'
import type { Decisions } from './decisions.ts'
import type { Decision } from './judge.ts'

/** The key of the advisory lock that runs on one database wait for. An arbitrary number. */
export const LOCK_KEY = 398_117_402

/** Milliseconds until the server has noticed that a run before this one was killed. */
const LOCK_TIMEOUT_MS = 60_000

export type Adoption = {
  /** As PostgreSQL writes it in UTC. Stands for times that the old rows lack. */
  beganAt: string
  /** Null: it was never finished. */
  completedAt: string | null
  /** Those of the runs before: they hold until others are made. */
  decisions: [key: string, decision: Decision][]
}

export type Target = {
  /** False only for a dry run in place: the tables of this service are not there yet. */
  isMigrated: boolean
  /** Undefined: nothing was ever imported. */
  adoption: Adoption | undefined
  /** Users and admins that were not adopted. */
  ownAccounts: number
}

/** @throws {CommandError} unless this version has all its tables, and the role may do what is needed */
export async function examineTarget(client: pg.Client, url: string): Promise<Target> {
  const missing = await countMissing(url)
  if (missing > 0) {
    throw new CommandError(
      `The database of --to lacks ${missing} migrations. Run: DATABASE_URL=… npm run migrate`,
    )
  }
  const { rows } = await client.query(
    `select has_database_privilege(current_database(), 'temporary') as temporary,
      has_database_privilege(current_database(), 'create') as create,
      pg_has_role(c.relowner, 'usage') as owner, to_regclass('adoption.state') is not null as adopted
    from pg_class c where c.oid = 'public.users'::regclass`,
  )
  const { temporary, create, owner, adopted } = rows[0] ?? {}
  if (!(temporary && create && owner)) {
    throw new CommandError(
      'The role of --to may not create schemas and temporary tables, or does not own the tables. Use the one that migrates.',
    )
  }
  const adoption = adopted ? await readAdoption(client) : undefined
  const own = await client.query(
    `select (select count(*) from public.users where adopted_at is null)::int
      + (select count(*) from public.admins where adopted_at is null)::int as count`,
  )
  return { isMigrated: true, adoption, ownAccounts: own.rows[0].count }
}

/** Waits for a run that was killed a moment ago. @throws {CommandError} if another one goes on */
export async function lockTarget(client: pg.Client): Promise<void> {
  await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
  await client.query('select pg_advisory_lock($1)', [LOCK_KEY]).catch(() => {
    throw new CommandError('Another npm run adopt is at work on this database.')
  })
  await client.query('set lock_timeout = 0')
}

/** What was begun counts once an account was imported. */
async function readAdoption(client: pg.Client): Promise<Adoption | undefined> {
  const { rows } = await client.query<Adoption>(
    `${ADOPTION} where completed_at is not null
      or exists (select from adoption.users) or exists (select from adoption.admins)`,
  )
  return rows[0]
}

const ADOPTION = `
  select began_at::text as "beganAt", completed_at::text as "completedAt", coalesce(
    (select jsonb_agg(jsonb_build_array(key, decision)) from adoption.decisions), '[]'
  ) as decisions
  from adoption.state`

/**
 * Creates what an adoption remembers, if it is the first: of each account that was imported a digest of what was
 * written. So a run knows what is imported already, what has changed in the old database since, and what here. And
 * what was decided.
 */
export async function beginAdoption(
  client: pg.Client,
  decisions: Decisions,
): Promise<Adoption | undefined> {
  await client.query(`
    create schema if not exists adoption;
    create table if not exists adoption.state (
      id boolean primary key default true check (id),
      began_at timestamptz not null default date_trunc('second', now()), completed_at timestamptz
    );
    create table if not exists adoption.users (id integer primary key, digest uuid not null);
    create table if not exists adoption.admins (id integer primary key, digest uuid not null);
    create table if not exists adoption.decisions (key text primary key, decision jsonb not null);
    insert into adoption.state default values on conflict do nothing`)
  await client.query(
    `insert into adoption.decisions select * from unnest($1::text[], $2::jsonb[])
    on conflict (key) do update set decision = excluded.decision`,
    [[...decisions.keys()], [...decisions.values()].map((decision) => JSON.stringify(decision))],
  )
  return (await client.query<Adoption>(ADOPTION)).rows[0]
}

/** Marks a run as complete, with a line in the audit trail: who was brought may be an admin. */
export const completeAdoption = (client: pg.Client, written: { users: number; admins: number }) =>
  client.query(
    `with completed as (update adoption.state set completed_at = now() returning id)
    insert into public.audit_events (action, outcome, details, request_id)
    select 'accounts_adopted', 'success', $1, gen_random_uuid() from completed`,
    [JSON.stringify({ by: 'operator', ...written })],
  )
