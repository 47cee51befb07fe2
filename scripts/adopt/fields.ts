/** What becomes of each field, by the rules of the Worker. What is said of it is added to `findings`. */
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
import type { Finding, OldRow } from './account.ts'
import { flagOf, timeOf } from './values.ts'

const fold = identifier()

/** Without what is invisible anywhere, in emoji and joined scripts too. */
export const visible = (text: string) => text.replace(everyInvisible, '').trim()
const everyInvisible = new RegExp(INVISIBLE.source, 'gu')

/** The same, but with what belongs to emoji and to the script it stands in. */
const written = (text: string) =>
  INVISIBLE.test(text) ? text.replace(invisibleOrWritten, (_, kept) => kept ?? '') : text
const invisibleOrWritten = new RegExp(`(${WRITTEN.source})|${INVISIBLE.source}`, 'gv')

/**
 * An email as it is stored. One that is none of this service's, in another script or quoted, is kept: its owner
 * logs in by username, and can change it.
 */
export function judgeEmail(old: string, findings: Finding[]): string {
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
export function judgeUsername(
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

export function judgeFullName(old: string | null, findings: Finding[]): string | null {
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
export function judgeHash(old: string | null, findings: Finding[]): string | null {
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

export function judgeFlag(
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

export function judgeTimes(row: OldRow, now: string, findings: Finding[]) {
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
