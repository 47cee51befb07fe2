/** Accounts that tests act as, and the mail sent to them. */
import { inject } from 'vitest'
import { hashPassword } from '../../src/passwords/hash.ts'
import { type Visitor, visitor } from './api.ts'
import { sql } from './database.ts'
import type {} from './world.ts'

export const PASSWORD = 'correct horse battery staple'

export type Tokens = { access_token: string; refresh_token: string }

let count = 0

/** A name that no other test uses. */
export const freshName = (prefix = 'user') =>
  `${prefix}-${(count++).toString(36)}${crypto.randomUUID().slice(0, 8)}`

export const newcomer = (username = freshName()) => ({
  username,
  email: `${username}@example.com`,
  password: PASSWORD,
})

/** Registers a user and logs in: for tests of what registering writes, or of another database. */
export async function registerUser(caller: Visitor = visitor(), name = freshName()) {
  const fields = newcomer(name)
  const registered = await caller.post('/api/users/register', fields)
  if (registered.status !== 201) throw new Error(`No user: ${registered.text}`)
  const id: number = registered.body.id
  return { caller, id, ...fields, ...(await logIn(caller, name)) }
}

let passwordHash: Promise<string> | undefined

/** The hash of `PASSWORD`, computed once: hashing takes longer than most tests. */
const hashOfPassword = () => {
  passwordHash ??= hashPassword(PASSWORD, 10)
  return passwordHash
}

export async function insertAccount(
  table: 'users' | 'admins',
  fields: ReturnType<typeof newcomer>,
) {
  const [row] = await sql<{ id: number }>(
    `insert into ${table} (username, email, hashed_password) values ($1, $2, $3) returning id`,
    [fields.username, fields.email, await hashOfPassword()],
  )
  if (!row) throw new Error(`No row in ${table}`)
  return row.id
}

/** A user, inserted into the database and logged in. */
export async function newUser(caller: Visitor = visitor(), username = freshName()) {
  const fields = newcomer(username)
  const id = await insertAccount('users', fields)
  return { caller, id, ...fields, ...(await logIn(caller, username)) }
}

export async function logIn(
  caller: Visitor,
  username: string,
  { password = PASSWORD, kind = 'users' }: { password?: string; kind?: 'users' | 'admins' } = {},
): Promise<Tokens> {
  const { status, body, text } = await caller.post(`/api/${kind}/login`, { username, password })
  if (status !== 200) throw new Error(`No login: ${text}`)
  return body
}

type AdminOptions = { superadmin?: boolean; caller?: Visitor }

/** An admin, inserted into the database and logged in. */
export async function newAdmin({ superadmin = false, caller = visitor() }: AdminOptions = {}) {
  const fields = newcomer(freshName('admin'))
  const id = await insertAccount('admins', fields)
  if (superadmin) await sql('update admins set is_superadmin = true where id = $1', [id])
  return { caller, id, ...fields, ...(await logIn(caller, fields.username, { kind: 'admins' })) }
}

type ListedMail = { id: string; to: string[]; subject: string; created_at: string }
type ListedMails = { data: ListedMail[]; has_more: boolean }

/** Waits until this many emails to an address have arrived, and returns them, oldest first. */
export async function mailsTo(address: string, atLeast = 1, timeout = 10_000) {
  const { mailboxUrl, bindings } = inject('world')
  const headers = { Authorization: `Bearer ${bindings['RESEND_API_KEY']}` }
  const get = async <Body>(path: string) =>
    (await fetch(mailboxUrl + path, { headers })).json<Body>()
  const deadline = Date.now() + timeout
  for (;;) {
    const all: ListedMail[] = []
    for (let more = true; more; ) {
      const after = all.length > 0 ? `&after=${all.at(-1)?.id}` : ''
      const page = await get<ListedMails>(`/emails?limit=100${after}`)
      all.push(...page.data)
      more = page.has_more
    }
    const mine = all.filter(({ to }) => to.includes(address)).reverse()
    if (mine.length >= atLeast || Date.now() > deadline) {
      return Promise.all(
        mine.map(({ id }) => get<ListedMail & { html: string; text: string }>(`/emails/${id}`)),
      )
    }
    await scheduler.wait(100)
  }
}
