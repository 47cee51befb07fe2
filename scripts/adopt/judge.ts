/** What becomes of one row of the old service, as far as the row itself says. */
import { BCRYPT_HASH } from '../../src/passwords/hash.ts'
import {
  EMAIL_MAX_LENGTH,
  Email,
  FULL_NAME_MAX_LENGTH,
  FullName,
  INVISIBLE,
  identifier,
  Username,
  WRITTEN,
} from '../../src/routes/input.ts'
import { flagOf, timeOf } from './values.ts'

type Account = {
  username: string
  email: string
  full_name: string | null
  hashed_password: string | null
  is_active: boolean
  /** `is_superuser` of a user, `is_superadmin` of an admin. */
  elevated: boolean
  /** As PostgreSQL writes them in UTC, to the microsecond. */
  created_at: string
  updated_at: string
}

export type Field = keyof Account

export const FIELDS: readonly Field[] = [
  ...(['username', 'email', 'full_name', 'hashed_password'] as const),
  ...(['is_active', 'elevated', 'created_at', 'updated_at'] as const),
]

/** A row as the old database has it, as text. A column that its table lacks is undefined. */
export type OldRow = { id: string } & { [Name in Field]?: string | null | undefined }

/** One thing to say about a row. `import`: for information. */
export type Finding = {
  action: 'import' | 'change' | 'reject'
  field: Field | 'id'
  reason: string
  /** The values, but of hashes. */
  old?: string | null
  new?: string | null
  /** Of a rejected row: nobody has to decide about it any more. */
  isDecided?: boolean
}

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
  accountType: 'user' | 'admin'
  decision?: Decision | undefined
  /** In place of a time that is none. As PostgreSQL writes it. */
  now: string
}

const fold = identifier()

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

/** Without what is invisible anywhere, in emoji and joined scripts too. */
const visible = (text: string) => text.replace(everyInvisible, '').trim()
const everyInvisible = new RegExp(INVISIBLE.source, 'gu')

/** The same, but with what belongs to emoji and to the script it stands in. */
const written = (text: string) =>
  INVISIBLE.test(text) ? text.replace(invisibleOrWritten, (_, kept) => kept ?? '') : text
const invisibleOrWritten = new RegExp(`(${WRITTEN.source})|${INVISIBLE.source}`, 'gv')

/**
 * An email as it is stored. One that is none of this service's, in another script or quoted, is kept: its owner
 * logs in by username, and can change it.
 */
function judgeEmail(old: string, findings: Finding[]): string {
  const folded = fold.parse(old)
  const email = visible(folded)
  const change = { field: 'email', old, new: email } as const
  if (email === '' || email.length > EMAIL_MAX_LENGTH) {
    const reason = email === '' ? 'is empty' : `has more than ${EMAIL_MAX_LENGTH} characters`
    findings.push({ action: 'reject', field: 'email', reason, old })
    return email
  }
  if (email !== folded) {
    findings.push({ action: 'change', ...change, reason: 'invisible characters removed' })
  } else if (email !== old) {
    const reason = 'normalized (NFKC) and trimmed'
    findings.push({ action: 'change', ...change, reason })
  }
  if (!Email.safeParse(email).success) {
    const reason = 'this service can send no email to it: no password reset by email'
    findings.push({ action: 'import', field: 'email', reason, old })
  }
  return email
}

/** The longest name that a login takes (`Identifier`). */
const LOGIN_MAX_LENGTH = EMAIL_MAX_LENGTH

/** A username as it is stored. It stays valid, whatever it contains, if a login can be made with it at all. */
function judgeUsername(
  old: string,
  email: string,
  placeholder: string,
  findings: Finding[],
): string {
  const username = fold.parse(old)
  const isTooLong = username.length > LOGIN_MAX_LENGTH
  if (visible(username) === '' || isTooLong) {
    const reason = isTooLong ? `has more than ${LOGIN_MAX_LENGTH} characters` : 'is empty'
    findings.push({ action: 'change', field: 'username', reason, old, new: placeholder })
    return placeholder
  }
  if (username !== old) {
    const reason = 'normalized (NFKC) and trimmed'
    findings.push({ action: 'change', field: 'username', reason, old, new: username })
  }
  const { error } = Username.safeParse(username)
  if (error) findings.push({ action: 'import', field: 'username', reason: staysFor(), old })
  return username

  function staysFor() {
    if (username.includes('@')) {
      return username.toLowerCase() === email.toLowerCase()
        ? 'is the email of this account'
        : 'contains @: this account can log in by its email only'
    }
    return `could not be chosen today, but stays valid: ${error?.issues[0]?.message}`
  }
}

function judgeFullName(old: string | null, findings: Finding[]): string | null {
  const parsed = FullName.safeParse(old)
  const name = parsed.success ? parsed.data : shorten(written((old ?? '').normalize('NFC')).trim())
  if (name === old) return name
  const reason = parsed.success
    ? 'normalized (NFC) and trimmed; empty becomes null'
    : `invisible characters removed, shortened to ${FULL_NAME_MAX_LENGTH} characters`
  findings.push({ action: 'change', field: 'full_name', reason, old, new: name })
  return name
}

/** As many whole characters, as people count them, as fit. */
function shorten(name: string): string | null {
  if (name.length <= FULL_NAME_MAX_LENGTH) return name || null
  const last = new Intl.Segmenter().segment(name).containing(FULL_NAME_MAX_LENGTH)
  return name.slice(0, last?.index).trimEnd() || null
}

/** The hash if a password can be compared with it, else null: whoever it was reset by has a new one. */
function judgeHash(old: string | null, findings: Finding[]): string | null {
  const hash = old?.trim() ?? ''
  if (BCRYPT_HASH.test(hash)) {
    if (hash !== old) {
      const reason = 'trimmed'
      findings.push({ action: 'change', field: 'hashed_password', reason })
    }
    return hash
  }
  const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1]
  const problem = cost ? `has cost ${cost}, outside 4 to 14` : 'is not a bcrypt hash'
  const reason = `${hash === '' ? 'is missing' : problem}: the password must be reset`
  findings.push({ action: 'change', field: 'hashed_password', reason })
  return null
}

function judgeFlag(
  field: 'is_active' | 'elevated',
  old: string | null | undefined,
  preset: boolean,
  findings: Finding[],
): boolean {
  const flag = flagOf(old)
  // A column that the table lacks is no news of each row.
  if (flag === undefined && old !== undefined) {
    const reason = old === null ? 'is null' : 'is neither true nor false'
    findings.push({ action: 'change', field, reason, old, new: String(preset) })
  }
  return flag ?? preset
}

function judgeTimes(row: OldRow, now: string, findings: Finding[]) {
  const created = timeOf(row.created_at, now)
  const updated = timeOf(row.updated_at, now)
  const times = { created_at: created ?? updated ?? now, updated_at: updated ?? created ?? now }
  for (const field of ['created_at', 'updated_at'] as const) {
    const old = row[field]
    if (old === undefined || timeOf(old, now) !== undefined) continue
    // The first form leaves it null until a row changes: nothing to look at in thousands of rows.
    const isNeverUpdated = field === 'updated_at' && old === null && created !== undefined
    const reason = old === null ? 'is null' : 'is not a time between 1970 and now'
    const action = isNeverUpdated ? 'import' : 'change'
    findings.push({ action, field, reason, old, new: times[field] })
  }
  return times
}
