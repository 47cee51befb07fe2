/** What `wrangler deploy` uploads, served by Miniflare on a local port. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, inject, vi } from 'vitest'
import { createTestHarness } from 'wrangler'
import type { Bundle } from '../../scripts/build.ts'
import type {} from '../setup/world.ts'
import { builtBundle } from './built-bundle.ts'

export const PASSWORD = 'correct horse battery staple'

/** For what a browser calls: all tests that have one share an address, and would meet its limits. */
export const RATE_LIMIT_FACTOR = '1000'

const MAIL_LIMIT_MS = 15_000
const POLL_MS = 100

export type ServedBundle = Bundle & {
  /** Without a trailing slash. */
  url: string
  /** The lines that the Worker logged. */
  logs(): string[]
  close(): Promise<void>
}

/** Serves the bundle with the bindings of wrangler.toml and of the tests, some of them replaced. */
export async function serveBundle(replaced: Record<string, string> = {}): Promise<ServedBundle> {
  // Otherwise Wrangler asks Cloudflare for the location of this machine.
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  const bundle = await builtBundle()
  const { wranglerConfig, bindings } = inject('world')
  const server = createTestHarness({
    workers: [
      {
        configPath: wranglerConfig,
        prebuiltWorkerDir: dirname(bundle.file),
        secrets: { ...bindings, ...replaced },
      },
    ],
  })
  const { url } = await server.listen()
  return {
    ...bundle,
    url: url.origin,
    logs: () => server.getLogs().map(({ message }) => message),
    close: () => server.close(),
  }
}

/** Of this file of tests: an address may register 20 accounts an hour. */
const ADDRESS = `10.${crypto.getRandomValues(new Uint8Array(3)).join('.')}`

/** Sends one request over HTTP. Tests assert what the body has, so its type is `any`. */
export async function call(
  url: string,
  {
    method = 'GET',
    token,
    body,
    headers: sent,
  }: { method?: string; token?: string; body?: object; headers?: Record<string, string> } = {},
) {
  const response = await fetch(url, {
    method,
    headers: {
      'CF-Connecting-IP': ADDRESS,
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...sent,
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const { status, headers } = response
  const text = await response.text()
  const isJson = headers.get('Content-Type')?.startsWith('application/json')
  return { status, headers, text, body: (isJson ? JSON.parse(text) : undefined) as any }
}

/** What nobody has registered yet. */
export function newAccount() {
  const username = `user-${randomUUID().slice(0, 8)}`
  return { username, email: `${username}@example.com`, password: PASSWORD }
}

/** An address that nothing else calls from, so that tests do not share limits. */
export const freshAddress = () => ({
  'CF-Connecting-IP': `10.${crypto.getRandomValues(new Uint8Array(3)).join('.')}`,
})

/** Registers a user. */
export async function register(url: string) {
  const account = newAccount()
  const request = { method: 'POST', body: account, headers: freshAddress() }
  expect((await call(`${url}/api/users/register`, request)).status).toBe(201)
  return account
}

/** Runs a statement in the database of the service. */
export async function sql(statement: string, values: unknown[] = []): Promise<void> {
  const database = new pg.Client({ connectionString: inject('world').bindings['DATABASE_URL'] })
  await database.connect()
  await database.query(statement, values)
  await database.end()
}

type Mail = { id: string; to: string[]; subject: string; text: string }

/** Waits for the email to this address with this subject. */
export async function mailTo(address: string, subject: RegExp): Promise<Mail> {
  const { mailboxUrl, bindings } = inject('world')
  const headers = { Authorization: `Bearer ${bindings['RESEND_API_KEY']}` }
  const get = async <Body>(path: string): Promise<Body> =>
    (await fetch(mailboxUrl + path, { headers })).json() as Promise<Body>
  const deadline = Date.now() + MAIL_LIMIT_MS
  while (Date.now() < deadline) {
    const { data } = await get<{ data: Mail[] }>('/emails?limit=100')
    const found = data.find((mail) => mail.to.includes(address) && subject.test(mail.subject))
    if (found) return get<Mail>(`/emails/${found.id}`)
    await sleep(POLL_MS)
  }
  throw new Error(`No mail to ${address} with the subject ${subject}`)
}

/** The token of the reset link that was sent to this address. */
export async function resetTokenFor(address: string): Promise<string> {
  const { text } = await mailTo(address, /reset|new password/i)
  const token = /\/reset-password[?#]token=([^\s&]+)/.exec(text)?.[1]
  if (!token) throw new Error(`No token in ${text}`)
  return decodeURIComponent(token)
}
