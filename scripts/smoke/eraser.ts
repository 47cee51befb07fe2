import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { eraseUserByOperator } from '../../src/db/erasure-by-operator.ts'
import { withDatabase } from '../admin/database.ts'
import { CommandError } from '../command-line.ts'
import type { Call } from './call.ts'
import { CheckError } from './check.ts'
import { bodyOf } from './shape.ts'

/** Erases the user of this name. @returns whether there was one. @throws {CheckError} if one may remain */
export type Eraser = (call: Call, username: string) => Promise<boolean>

/** With the connection string of the database. */
export const byDatabase =
  (url: string): Eraser =>
  async (_, username) => {
    try {
      const act = { username, requestId: randomUUID() }
      return await withDatabase(url, async (db) => (await eraseUserByOperator(db, act)).erased > 0)
    } catch (error) {
      throw error instanceof CommandError ? new CheckError(error.message) : error
    }
  }

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string() })
const Found = z.object({ items: z.array(z.object({ id: z.int(), username: z.string() })) })

/** With the account of a superadmin, whose session ends afterwards. */
export const byAdmin =
  (admin: { username: string; password: string }): Eraser =>
  async (call, username) => {
    const login = await call('/api/admins/login', { method: 'POST', body: admin })
    const { access_token: token, refresh_token } = bodyOf(login, 200, Tokens)
    const query = new URLSearchParams({ search: username })
    let isErased = false
    try {
      for (const deleted of ['false', 'true']) {
        const list = await call(`/api/admins/users?${query}&deleted=${deleted}`, { token })
        for (const user of bodyOf(list, 200, Found).items) {
          if (user.username !== username) continue
          const path = `/api/admins/users/${user.id}`
          await call(path, { method: 'DELETE', token })
          bodyOf(await call(`${path}?erase=true`, { method: 'DELETE', token }), 204)
          isErased = true
        }
      }
      return isErased
    } finally {
      await call('/api/admins/logout', { method: 'POST', body: { refresh_token } })
    }
  }
