/** The life of an account, from registration to erasure, including an email: `--write`. */
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { Call } from './call.ts'
import { type Check, outcome, type Result, runCheck, skipped, type Target } from './check.ts'
import type { Eraser } from './eraser.ts'
import type { Mailbox } from './mailbox.ts'
import { bodyOf } from './shape.ts'

/** Milliseconds for an email: queued, sent, delivered; or pasted by somebody. */
const MAIL_TIMEOUT_MS = 180_000

export type Means = { mailTo: string; mailbox: Mailbox; erase: Eraser }

const User = z.object({ id: z.int(), username: z.string(), full_name: z.string().nullable() })
const Tokens = z.object({ access_token: z.string(), refresh_token: z.string() })
const Sessions = z.array(z.object({ id: z.uuid(), current: z.boolean() }))
const Export = z.object({ account: z.object({ username: z.string() }) })

type Tokens = z.output<typeof Tokens>

/** Who lives it. */
function newPerson({ mailTo, mailbox }: Means) {
  const id = randomUUID().slice(0, 8)
  return {
    username: `smoke-${id}`,
    email: mailTo.replace('{id}', id),
    password: `smoke ${randomUUID()}`,
    tokens: { access_token: '', refresh_token: '' } satisfies Tokens,
    isRegistered: false,
    mailbox,
  }
}

type Person = ReturnType<typeof newPerson>

const post = (call: Call, path: string, body: object, token?: string) =>
  call(`/api/${path}`, { method: 'POST', body, ...(token && { token }) })

async function logIn(call: Call, { username, password }: Person) {
  return bodyOf(await post(call, 'users/login', { username, password }), 200, Tokens)
}

/** The session has ended: neither of its tokens is of use. */
async function expectEnded(call: Call, { access_token: token, refresh_token }: Tokens) {
  bodyOf(await call('/api/users/me', { token }), 401)
  bodyOf(await post(call, 'users/refresh', { refresh_token }), 401)
}

type Step = (call: Call, person: Person, signal: AbortSignal) => Promise<string>

/** In this order, each with what is reported when it has worked. */
const STEPS: Readonly<Record<string, Step>> = {
  async register(call, person) {
    const { username, email, password } = person
    const reply = await post(call, 'users/register', { username, email, password })
    const { id } = bodyOf(reply, 201, User)
    person.isRegistered = true
    return `user ${id}`
  },
  async login(call, person) {
    person.tokens = await logIn(call, person)
    bodyOf(await call('/api/users/me', { token: person.tokens.access_token }), 200, User)
    return 'with username and password'
  },
  async update(call, { tokens: { access_token: token } }) {
    const body = { full_name: 'Smoke Test' }
    const Updated = User.extend({ full_name: z.literal('Smoke Test') })
    bodyOf(await call('/api/users/me', { method: 'PUT', body, token }), 200, Updated)
    bodyOf(await call('/api/users/me', { token }), 200, Updated)
    return 'a new name'
  },
  async refresh(call, person) {
    const { refresh_token } = person.tokens
    const refreshed = bodyOf(await post(call, 'users/refresh', { refresh_token }), 200, Tokens)
    const Same = Tokens.extend({
      refresh_token: z
        .string()
        .refine(
          (token) => token === refreshed.refresh_token,
          'is another one within the grace time',
        ),
    })
    bodyOf(await post(call, 'users/refresh', { refresh_token }), 200, Same)
    person.tokens = refreshed
    return 'a new pair, and the same for a racer'
  },
  async sessions(call, { tokens: { access_token: token } }) {
    const sessions = bodyOf(
      await call('/api/users/me/sessions', { token }),
      200,
      Sessions.length(1),
    )
    return `${sessions.length}, the current one`
  },
  async 'change-password'(call, person) {
    const other = await logIn(call, person)
    const { password: current_password, tokens } = person
    const new_password = `smoke ${randomUUID()}`
    const body = { current_password, new_password }
    bodyOf(await post(call, 'users/change-password', body, tokens.access_token), 200)
    const { username } = person
    bodyOf(await post(call, 'users/login', { username, password: current_password }), 401)
    person.password = new_password
    await expectEnded(call, other)
    return 'the old one is rejected, other sessions have ended'
  },
  async 'reset-password'(call, person, signal) {
    bodyOf(await post(call, 'password/forgot-password', { email: person.email }), 200)
    const { link, how } = await person.mailbox.resetLinkTo(person.email, signal)
    const token = /[?#]token=([^&]+)/.exec(link)?.[1] ?? ''
    person.password = `smoke ${randomUUID()}`
    const body = { token: decodeURIComponent(token), new_password: person.password }
    bodyOf(await post(call, 'password/reset-password', body), 200)
    bodyOf(await post(call, 'password/reset-password', body), 400)
    await expectEnded(call, person.tokens)
    person.tokens = await logIn(call, person)
    return `by the link in an email (${how}), once`
  },
  async export(call, { username, tokens: { access_token: token } }) {
    const Own = Export.extend({ account: z.object({ username: z.literal(username) }) })
    bodyOf(await call('/api/users/me/export', { token }), 200, Own)
    return 'what is kept about the account'
  },
  async logout(call, { tokens }) {
    const { refresh_token } = tokens
    bodyOf(await post(call, 'users/logout', { refresh_token }), 204)
    await expectEnded(call, tokens)
    return 'the session has ended'
  },
  async delete(call, person) {
    const { username, password } = person
    const { access_token: token } = await logIn(call, person)
    bodyOf(await call('/api/users/me', { method: 'DELETE', body: { password }, token }), 204)
    bodyOf(await post(call, 'users/login', { username, password }), 401)
    return 'no login any more'
  },
}

/** Erases, whatever has happened before. */
const erasure =
  ({ erase }: Means, { username, isRegistered }: Person): Check =>
  async ({ call }) => {
    const remains = `the user ${username} may remain, erase it yourself`
    try {
      const erased = await erase(call, username)
      return outcome(erased ? 'nothing is left but audit lines' : 'nothing to erase', [
        isRegistered && !erased && `${remains}: it is not in the database of DATABASE_URL`,
      ])
    } catch (error) {
      return outcome('', [
        `${remains}: ${error instanceof Error ? error.message : 'unknown error'}`,
      ])
    }
  }

/**
 * Lives the life. After a step that failed the others are skipped, but for the last one: erasure.
 *
 * @param interrupted ends the life early
 */
export async function live(
  target: Target,
  means: Means,
  interrupted: AbortSignal,
): Promise<Result[]> {
  const person = newPerson(means)
  const results: Result[] = []
  for (const [name, step] of Object.entries(STEPS)) {
    const hasFailed = results.some(({ status }) => status === 'failed')
    const check: Check = async ({ call, signal }) =>
      hasFailed ? skipped('after a failure') : outcome(await step(call, person, signal), [])
    const timeoutMs = name === 'reset-password' ? MAIL_TIMEOUT_MS : target.timeoutMs
    results.push(await runCheck(`write.${name}`, check, { ...target, timeoutMs }, interrupted))
  }
  results.push(await runCheck('write.erase', erasure(means, person), target))
  return results
}
