/** The open reset links of the old service, which go on working until they expire. */
import type pg from 'pg'
import { acceptsLegacy } from '../../src/db/accounts.ts'
import { hashLegacyResetToken } from '../../src/tokens/legacy.ts'
import type { Report } from './report.ts'
import { openResetsOf, type Source } from './source.ts'

const TABLE = 'password_reset_tokens'

/** Stages the links that are open. Only a hash of a token leaves the old database. */
export async function stageResets(from: pg.Client, to: pg.Client, source: Source): Promise<void> {
  for await (const resets of openResetsOf(from, source)) {
    await to.query(
      `insert into pg_temp.staged_resets
      select * from unnest($1::text[], $2::bytea[], $3::bigint[], $4::timestamptz[]) on conflict do nothing`,
      [
        resets.map(({ id }) => id),
        resets.map(({ token }) => hashLegacyResetToken(token)),
        resets.map(({ userId }) => userId),
        resets.map(({ expiresAt }) => expiresAt),
      ],
    )
  }
}

/** Whether a staged link is of an account that is, or will be, adopted and usable. */
const IS_IMPORTED = `exists (
  select from pg_temp.staged_users u
  where u.id = r.user_id and u.state in ('new', 'changed', 'same') and u.is_active
)`

/**
 * Makes the open links those of the old table: what was used there in the meantime is gone, and what was used
 * here does not come back, as the account has another password then.
 */
export const importResets = (client: pg.Client) =>
  client.query(`
    with closed as (
      delete from public.legacy_password_resets r
      where not exists (select from pg_temp.staged_resets s where s.token_hash = r.token_hash)
    )
    insert into public.legacy_password_resets (token_hash, user_id, expires_at)
    select r.token_hash, r.user_id, r.expires_at from pg_temp.staged_resets r
      join public.users a on a.id = r.user_id
    where ${IS_IMPORTED} and ${acceptsLegacy('a')}
    on conflict do nothing`)

/** That each open link is there, as it was. One that is used meanwhile is of an account with another password. */
export async function verifyResets(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_temp.staged_resets r join public.users a on a.id = r.user_id
      left join public.legacy_password_resets i on i.token_hash = r.token_hash
    where ${IS_IMPORTED} and ${acceptsLegacy('a')} and r.expires_at > now()
      and (i.user_id, i.expires_at) is distinct from (a.id, r.expires_at)`,
  )
  const count = rows[0]?.count ?? 0
  return count > 0 ? [`${TABLE} as imported: ${count} links differ`] : []
}

/** Reports the links. Returns how many are imported. */
export async function reportResets(client: pg.Client, output: Report): Promise<number> {
  const { rows } = await client.query<{ id: string; isImported: boolean }>(
    `select r.id, ${IS_IMPORTED} as "isImported" from pg_temp.staged_resets r order by r.id`,
  )
  await output.write(
    rows.map(({ id, isImported }) =>
      isImported
        ? { table: TABLE, id, action: 'import' }
        : {
            table: TABLE,
            id,
            action: 'reject',
            reason: 'its account is not adopted, is disabled, or has changed here',
          },
    ),
  )
  return rows.filter(({ isImported }) => isImported).length
}
