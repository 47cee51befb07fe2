/** What becomes of one row of the old service, as far as the row itself says. */
import type { AccountType } from '../../src/db/accounts.ts'
import type { Account, Field, Finding, OldRow } from './account.ts'
import {
  judgeEmail,
  judgeFlag,
  judgeFullName,
  judgeHash,
  judgeTimes,
  judgeUsername,
  visible,
} from './fields.ts'

export type Judged = {
  account: Account
  /** The username without anything invisible: two that read as one can't both stay. */
  seen: string
  findings: Finding[]
}

/** What somebody decided about a row: see `decisions.ts`. */
export type Decision = {
  isSkipped?: boolean
  isTaken?: boolean
  account: Partial<Pick<Account, 'username' | 'email' | 'full_name' | 'is_active'>>
}

type Context = {
  /** For the name of an account whose own can't stay: `user-42`. */
  accountType: AccountType
  decision?: Decision | undefined
  /** In place of a time that is none. As PostgreSQL writes it. */
  now: string
}

/**
 * The next id of an account that is made here follows all others, and PostgreSQL's `integer` ends at 2,147,483,647: a
 * row with that id, which somebody wrote by hand, would leave none. This leaves a million.
 */
export const MAX_ID = 2_146_483_647

/** Judges a row by the rules of the Worker: what it would reject is not imported as it is. */
export function judge(row: OldRow, { accountType, decision, now }: Context): Judged {
  const findings: Finding[] = []
  const id = Number(row.id)
  if (!(Number.isInteger(id) && id > 0 && id <= MAX_ID)) {
    findings.push({ action: 'reject', field: 'id', reason: `is not between 1 and ${MAX_ID}` })
  }
  if (decision?.isSkipped) {
    findings.push({ action: 'reject', field: 'id', reason: 'decided: skip', isDecided: true })
  }
  const decided = decision?.account ?? {}
  const email = decided.email ?? judgeEmail(row.email ?? '', findings)
  const username =
    decided.username ?? judgeUsername(row.username ?? '', email, `${accountType}-${id}`, findings)
  const account = {
    username,
    email,
    full_name:
      decided.full_name === undefined
        ? judgeFullName(row.full_name ?? null, findings)
        : decided.full_name,
    hashed_password: judgeHash(row.hashed_password ?? null, findings),
    is_active: decided.is_active ?? judgeFlag('is_active', row.is_active, true, findings),
    elevated: judgeFlag('elevated', row.elevated, false, findings),
    ...judgeTimes(row, now, findings),
  }
  for (const [field, value] of Object.entries(decided) as [Field, string | boolean | null][]) {
    const change = { old: row[field] ?? null, new: value === null ? null : String(value) }
    findings.push({ action: 'change', field, reason: 'decided', ...change })
  }
  return { account, seen: visible(username), findings }
}
