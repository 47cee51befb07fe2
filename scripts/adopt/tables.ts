/** The tables on the side of this service that an adoption works with. */
import type pg from 'pg'
import { type AccountType, TABLES } from '../../src/db/accounts.ts'
import type { Target } from './target.ts'

/** Of users, or of admins. */
export type Tables = {
  accountType: AccountType
  /** `users`. */
  plural: 'users' | 'admins'
  accounts: string
  elevated: string
  sessions: string
  resets: string
  resetOwner: string
  /** What was imported before: see `beginAdoption`. */
  ledger: string
  /** Temporary: the old rows as they were judged. */
  staged: string
  /** Temporary: accounts here whose names no old row can have. */
  kept: string
}

/** Stands for tables that a dry run does not find. */
const NOTHING = {
  accounts: `id integer, username text, email text, full_name text, hashed_password text, is_active boolean,
    is_superuser boolean, is_superadmin boolean, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz`,
  ledger: 'id integer, digest uuid',
}

/** The staging tables, with room for every account in memory if it is a small one. */
export async function createTemporaryTables(client: pg.Client): Promise<void> {
  const staged = `(
    source text not null, id bigint not null, is_taken boolean not null,
    username text not null, seen text not null, email text not null, full_name text, hashed_password text,
    is_active boolean not null, elevated boolean not null,
    created_at timestamptz not null, updated_at timestamptz not null,
    raw jsonb, findings jsonb, state text not null, differing text, is_renamed boolean not null default false
  )`
  await client.query(`
    set temp_buffers = '64MB';
    create temporary table staged_users ${staged};
    create temporary table staged_admins ${staged};
    create temporary table kept_users (id integer, username text, email text);
    create temporary table kept_admins (id integer, username text, email text);
    create temporary table staged_resets (
      id text, token_hash bytea primary key, user_id bigint, expires_at timestamptz
    );
    create temporary table no_accounts (${NOTHING.accounts});
    create temporary table no_ledger (${NOTHING.ledger})`)
}

export function tablesOf({ isMigrated, adoption }: Target): { user: Tables; admin: Tables } {
  const of = (accountType: AccountType): Tables => {
    const plural = `${accountType}s` as const
    const { accounts, sessions, resets, resetOwner, elevated } = TABLES[accountType]
    return {
      ...{ accountType, plural, resetOwner, elevated },
      accounts: isMigrated ? `public.${accounts}` : 'pg_temp.no_accounts',
      sessions: `public.${sessions}`,
      resets: `public.${resets}`,
      ledger: adoption ? `adoption.${plural}` : 'pg_temp.no_ledger',
      staged: `pg_temp.staged_${plural}`,
      kept: `pg_temp.kept_${plural}`,
    }
  }
  return { user: of('user'), admin: of('admin') }
}

/** A digest of an account, of what an adoption writes: `a` has the columns of this type. */
export const digestOf = (a: string, elevated = 'elevated') => `md5(row(${a}.username, ${a}.email,
  ${a}.full_name, ${a}.hashed_password, ${a}.is_active, ${a}.${elevated}, ${a}.created_at,
  ${a}.updated_at)::text)::uuid`
