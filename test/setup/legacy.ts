/** Accounts adopted from the former service, and tokens as it made them. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { freshName, insertAccount, logIn, newcomer } from './accounts.ts'
import { environment, visitor } from './api.ts'
import { sql } from './database.ts'

/** As people copied it from an example. */
export const LEGACY_SECRET = 'your-secret-key-change-in-production'

const DAY_MS = 24 * 60 * 60 * 1000

/** The date this many days ahead, in UTC. */
export const dayIn = (days: number) =>
  new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)

/** The Worker where tokens of the former service are accepted. */
export const accepting = environment({
  LEGACY_SECRET_KEY: LEGACY_SECRET,
  LEGACY_UNTIL: dayIn(7),
})

export const client = () => visitor({ env: accepting })

/** Seconds left of a token of each kind. */
export const LEFT = { access: 10 * 60, refresh: 6 * 24 * 60 * 60 } as const

export const seconds = (left: number) => Math.floor(Date.now() / 1000) + left

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs anything as python-jose does, with `{"alg": "HS256", "typ": "JWT"}` unless told otherwise. */
export function signLegacy(
  claims: unknown,
  { secret = LEGACY_SECRET, header = {}, hash = 'sha256' }: LegacySigning = {},
): string {
  const text = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(claims)}`
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}

type LegacySigning = { secret?: string; header?: object; hash?: string }

/** A genuine token of an account, alone in the second that it expires: others would be equal to it. */
export const legacyToken = (
  id: number,
  left: number = LEFT.refresh,
  role: 'user' | 'superuser' | 'admin' | 'superadmin' = 'user',
) => signLegacy({ id, role, exp: seconds(left) })

type Table = 'users' | 'admins'

/** An account that was adopted, and has not logged in since. */
async function adopted(table: Table) {
  const fields = newcomer(freshName('adopted'))
  const id = await insertAccount(table, fields)
  await sql(`update ${table} set adopted_at = now() where id = $1`, [id])
  return { id, ...fields, caller: visitor({ env: accepting }) }
}

export const adoptedUser = () => adopted('users')

export async function adoptedAdmin(superadmin = false) {
  const admin = await adopted('admins')
  await sql('update admins set is_superadmin = $2 where id = $1', [admin.id, superadmin])
  return admin
}

/** A user who was adopted, and has logged in since. */
export async function returnedUser() {
  const user = await adopted('users')
  return { ...user, ...(await logIn(user.caller, user.username)) }
}

/** An open reset link of the former service, as `npm run adopt` stores it. Returns its token. */
export async function legacyReset(userId: number, minutes = 30): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await sql(
    `insert into legacy_password_resets values (decode($1, 'hex'), $2, now() + make_interval(mins => $3))`,
    [createHash('sha256').update(token).digest('hex'), userId, minutes],
  )
  return token
}
