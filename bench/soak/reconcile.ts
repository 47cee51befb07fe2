/** Compares the database and the mailbox with what clients have seen. */
import { compare } from 'bcryptjs'
import type pg from 'pg'
import { type AccountLedger, type Count, isWithin } from './ledger.ts'

export type Account = {
  id: number
  username: string
  hashed_password: string
  full_name: string | null
  is_active: boolean
  is_deleted: boolean
  /** Lines of the audit trail about it, by action; successful ones. */
  acts: Record<string, number>
  sessions: { id: string; counter: number; has_ended: boolean }[]
}

/** The accounts whose name begins with `prefix`. */
export async function readAccounts(database: pg.Client, prefix: string): Promise<Account[]> {
  const { rows } = await database.query<Account>(
    `select u.id, username, hashed_password, full_name, is_active, deleted_at is not null as is_deleted,
      coalesce((select json_object_agg(action, n) from (
        select action, count(*) as n from audit_events
        where target_kind = 'user' and target_id = u.id and outcome = 'success' group by action
      ) as by_action), '{}') as acts,
      coalesce((select json_agg(json_build_object('id', s.id, 'counter', s.counter,
          'has_ended', s.revoked_at is not null or (
            s.epoch <> u.session_epoch and s.id is distinct from u.kept_session)))
        from user_sessions s where s.account_id = u.id), '[]') as sessions
    from users u where username like $1 || '%'`,
    [prefix],
  )
  return rows
}

const shown = ({ sure, maybe }: Count) => (maybe > 0 ? `${sure} to ${sure + maybe}` : `${sure}`)

/** What is wrong with an account, in words. `mails`: how many it got, by the beginning of the subject. */
export async function reconcile(
  ledger: AccountLedger,
  accounts: Account[],
  mails: Map<string, number>,
): Promise<string[]> {
  const own = accounts.filter(({ username }) => username === ledger.username)
  const problems: string[] = []
  const expectCount = (what: string, found: number, count: Count) => {
    if (!isWithin(found, count)) problems.push(`${what}: ${found}, but clients saw ${shown(count)}`)
  }
  expectCount('rows', own.length, ledger.registered)
  const [account] = own
  if (account) {
    const { acts, sessions } = account
    const act = (action: string) => acts[action] ?? 0
    expectCount('sessions', sessions.length, ledger.logins)
    expectCount('password changes', act('password_change'), ledger.passwordChanges)
    expectCount('password resets', act('password_reset'), ledger.resets)
    const exactly = (what: string, found: number, expected: number) =>
      expectCount(what, found, { sure: expected, maybe: 0 })
    exactly('audit lines of the registration', act('register'), 1)
    exactly('audit lines of logins', act('login'), sessions.length)
    exactly('welcome mails', mails.get('Welcome') ?? 0, 1)
    const changes = act('password_change') + act('password_reset')
    exactly('mails about passwords', mails.get('Your') ?? 0, changes)
    problems.push(...sessionProblems(ledger, account))
    if (!ledger.fullNames.has(account.full_name)) problems.push('full_name was not written')
    if (!ledger.isActive.has(account.is_active)) problems.push('is_active was not written')
    if (!ledger.isDeleted.has(account.is_deleted)) problems.push('deleted_at was not written')
    const matches = [...ledger.passwords].map((each) => compare(each, account.hashed_password))
    if (!(await Promise.all(matches)).includes(true)) problems.push('the password was not set')
  }
  return problems.map((problem) => `${ledger.username}: ${problem}`)
}

function sessionProblems({ sessions }: AccountLedger, account: Account): string[] {
  const stored = new Map(account.sessions.map((each) => [each.id, each]))
  return [...sessions].flatMap(([id, { refreshes, isOpen, hasEnded }]) => {
    const row = stored.get(id)
    if (!row) return [`session ${id} has no row`]
    const isExplained = isWithin(row.counter, { sure: refreshes, maybe: isOpen ? 1 : 0 })
    return [
      ...(isExplained ? [] : [`counter ${row.counter} after ${refreshes} refreshes`]),
      ...(hasEnded && !row.has_ended ? [`session ${id} was logged out, but is open`] : []),
    ]
  })
}
