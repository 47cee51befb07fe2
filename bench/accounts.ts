import { hash } from 'bcryptjs'
import type pg from 'pg'

export const PASSWORD = 'correct horse battery staple'

/** Adds users `prefix-0`, `prefix-1`, … with {@link PASSWORD}. */
export async function insertUsers(database: pg.Client, prefix: string, count: number) {
  await database.query(
    `insert into users (username, email, hashed_password)
      select $1 || '-' || n, $1 || '-' || n || '@example.com', $2
      from generate_series(0, $3::int - 1) as n`,
    [prefix, await hash(PASSWORD, 10), count],
  )
  await database.query('analyze users')
}

/** Adds a superadmin with {@link PASSWORD}. */
export async function insertAdmin(database: pg.Client, username: string) {
  await database.query(
    `insert into admins (username, email, hashed_password, is_superadmin)
      values ($1, $1 || '@example.com', $2, true)`,
    [username, await hash(PASSWORD, 10)],
  )
}

export type Tokens = { access_token: string; refresh_token: string }

let address = 0

/** @throws with the response */
export async function logIn(
  origin: string,
  username: string,
  type: 'users' | 'admins' = 'users',
): Promise<Tokens> {
  address++
  const response = await fetch(`${origin}/api/${type}/login`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'CF-Connecting-IP': `11.0.${address >> 8}.${address & 255}`,
    },
    body: JSON.stringify({ username, password: PASSWORD }),
  })
  if (!response.ok) throw new Error(`${username} cannot log in: ${await response.text()}`)
  return (await response.json()) as Tokens
}
