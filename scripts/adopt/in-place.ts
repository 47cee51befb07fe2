/** An old database that becomes the one of this service: its tables make room. */
import type pg from 'pg'
import { applyMigrations, hasFormerTables } from '../migrate.ts'
import { LOCK_KEY } from './target.ts'

/** The schema that the old tables move to. */
export const FORMER_SCHEMA = 'fastapi'

const FORMER_TABLES = ['users', 'admin', 'admins', 'password_reset_tokens', 'alembic_version']

/** Whether both connections lead to one database: one sees the lock that the other has. */
export async function isSameDatabase(from: pg.Client, to: pg.Client): Promise<boolean> {
  const { rows } = await to.query<{ pid: number }>('select pg_backend_pid() as pid')
  const found = await from.query(
    `select from pg_locks where locktype = 'advisory' and objid = $1 and pid = $2 and granted
      and database = (select oid from pg_database where datname = current_database())`,
    [LOCK_KEY, rows[0]?.pid],
  )
  return found.rows.length > 0
}

/** Where the old tables are: in their own schema already, or where those of this service go. */
export async function findFormerTables(client: pg.Client) {
  const { rows } = await client.query(
    `select to_regclass('${FORMER_SCHEMA}.users') is not null as "hasMoved"`,
  )
  return { hasMoved: rows[0]?.hasMoved === true, isInTheWay: await hasFormerTables(client) }
}

/**
 * Moves the old tables to their own schema, and creates those of this service, in one transaction. What refers to
 * the old tables, other tables and views too, moves with them. The old service finds them there once its
 * search_path says so.
 */
export const moveFormerTables = (url: string) =>
  applyMigrations(
    url,
    undefined,
    `set local lock_timeout = '5s';
    create schema ${FORMER_SCHEMA};
    grant usage on schema ${FORMER_SCHEMA} to public;
    ${FORMER_TABLES.map((table) => `alter table if exists public.${table} set schema ${FORMER_SCHEMA};`).join('\n')}`,
  )
