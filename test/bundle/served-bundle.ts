/** What `wrangler deploy` would send, served by Miniflare on a port of this machine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject, vi } from 'vitest'
import { createTestHarness } from 'wrangler'
import { type Bundle, buildBundle } from '../../scripts/build.ts'
import type {} from '../setup/world.ts'

export const PASSWORD = 'correct horse battery staple'

const MAIL_LIMIT_MS = 15_000
const POLL_MS = 100

export type ServedBundle = Bundle & {
  /** Without a slash at the end. */
  url: string
  /** What the Worker wrote to its log. */
  logs(): string[]
  close(): Promise<void>
}

/** Bundles the Worker and serves it with the bindings of wrangler.toml, in the tests' world. */
export async function serveBundle(): Promise<ServedBundle> {
  // Wrangler looks up at Cloudflare's where we are, unless told not to.
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'))
  const bundle = await buildBundle(folder)
  const server = createTestHarness({
    workers: [
      {
        configPath: inject('world').wranglerConfig,
        prebuiltWorkerDir: folder,
        secrets: inject('world').bindings,
      },
    ],
  })
  const { url } = await server.listen()
  return {
    ...bundle,
    url: url.origin,
    logs: () => server.getLogs().map(({ message }) => message),
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Sent = { method?: string; token?: string; body?: object; address?: string }

/** One call over HTTP. What an answer holds is what a test is about: no type can tell. */
export async function call(
  url: string,
  { method = 'GET', token, body, address = '203.0.113.7' }: Sent = {},
) {
  const response = await fetch(url, {
    method,
    headers: {
      'CF-Connecting-IP': address,
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const { status, headers } = response
  const text = await response.text()
  const isJson = headers.get('Content-Type')?.startsWith('application/json')
  return { status, headers, text, body: (isJson ? JSON.parse(text) : undefined) as any }
}

type Mail = { id: string; to: string[]; subject: string; text: string }

/** Waits for the mail to this address with this subject. */
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

/** The token of the link in a mail about a new password. */
export async function resetTokenFor(address: string): Promise<string> {
  const { text } = await mailTo(address, /reset|new password/i)
  const link = text.match(/https?:\/\/\S+\/reset-password\?token=\S+/)?.[0] ?? ''
  const token = new URL(link).searchParams.get('token')
  if (!token) throw new Error(`No token in ${link}`)
  return token
}
