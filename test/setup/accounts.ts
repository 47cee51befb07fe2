/** People for tests to be. */
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

/** Registers a user and logs in: for tests of what registering leaves, or in another database. */
export async function registerUser(caller: Visitor = visitor(), name = freshName()) {
  const email = `${name}@example.com`
  const registered = await caller.post('/api/users/register', {
    username: name,
    email,
    password: PASSWORD,
  })
  if (registered.status !== 201) throw new Error(`No user: ${registered.text}`)
  const tokens = await logIn(caller, name)
  return {
    caller,
    id: registered.body.id as number,
    username: name,
    email,
    password: PASSWORD,
    ...tokens,
  }
}

let passwordHash: Promise<string> | undefined

/** The hash of `PASSWORD`, made once: hashing takes longer than most tests. */
const hashOfPassword = () => {
  passwordHash ??= hashPassword(PASSWORD, 10)
  return passwordHash
}

/** A user, straight from the database, who has logged in. */
export async function newUser(caller: Visitor = visitor(), username = freshName()) {
  const email = `${username}@example.com`
  const [row] = await sql<{ id: number }>(
    'insert into users (username, email, hashed_password) values ($1, $2, $3) returning id',
    [username, email, await hashOfPassword()],
  )
  if (!row) throw new Error('No user')
  const tokens = await logIn(caller, username)
  return { caller, id: row.id, username, email, password: PASSWORD, ...tokens }
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

/** An admin, straight from the database: registering one takes another admin. */
export async function newAdmin({
  superadmin = false,
  caller = visitor(),
}: {
  superadmin?: boolean
  caller?: Visitor
} = {}) {
  const name = freshName('admin')
  const email = `${name}@example.com`
  const [row] = await sql<{ id: number }>(
    'insert into admins (username, email, hashed_password, is_superadmin) values ($1, $2, $3, $4) returning id',
    [name, email, await hashOfPassword(), superadmin],
  )
  if (!row) throw new Error('No admin')
  const tokens = await logIn(caller, name, { kind: 'admins' })
  return { caller, id: row.id, username: name, email, password: PASSWORD, ...tokens }
}

type ListedMail = { id: string; to: string[]; subject: string; created_at: string }

type ListedMails = { data: ListedMail[]; has_more: boolean }

/** Waits until somebody has got so many mails, and answers them, oldest first. */
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
