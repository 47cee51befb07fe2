import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ListenOptions, LocalServer } from '../../local/http.ts'
import { startMailbox } from '../../local/mailbox/index.ts'
import { startNeonGateway } from '../../local/neon/index.ts'
import { startUpstashGateway } from '../../local/upstash/index.ts'

/** Sends what a browser would send. Node's fetch can't set `Host`. */
async function call(
  { url, port }: { url: string; port: number },
  headers: Record<string, string>,
  method = 'POST',
  path = '/',
) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url + path, { method, headers: { host: `127.0.0.1:${port}`, ...headers } }, resolve)
      .on('error', reject)
      .end(method === 'POST' ? '["FLUSHALL"]' : undefined)
  })
  return { status: response.statusCode ?? 0, text: await text(response) }
}

const PROXY = 'proxy.example:443'
const options = { allowedHosts: [PROXY] }

const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS']

type Start = (options: ListenOptions) => Promise<LocalServer>

const servers: [name: string, start: Start][] = [
  [
    'the Neon gateway',
    (each) => startNeonGateway({ connectTo: 'postgresql://127.0.0.1:1', ...each }),
  ],
  ['the Upstash gateway', (each) => startUpstashGateway({ engine: 'memory', ...each })],
  ['the mailbox', startMailbox],
]

describe.each(servers)('%s', (_, start) => {
  let server: LocalServer
  beforeAll(async () => {
    server = await start(options)
  })
  afterAll(() => server.close())

  test.each(['127.0.0.1:{port}', 'localhost:{port}', '[::1]:{port}', 'LOCALHOST:{port}', PROXY])(
    'Host %s is accepted',
    async (host) => {
      const { status } = await call(server, { host: host.replace('{port}', `${server.port}`) })
      expect([400, 401]).toContain(status) // The request has no credentials.
    },
  )

  test.each(['evil.example', 'evil.example:{port}', '127.0.0.1', '127.0.0.1.evil.example:{port}'])(
    'Host %s is 421, and the message has it',
    async (name) => {
      const host = name.replace('{port}', `${server.port}`)
      for (const method of METHODS) {
        const rejected = await call(server, { host }, method)
        expect(rejected.status).toBe(421)
        expect(rejected.text).toContain(host)
        expect(rejected.text).toContain(`127.0.0.1:${server.port}, localhost:${server.port}`)
      }
    },
  )

  test.each(['https://evil.example', 'null', 'http://localhost:3000'])(
    'a request with Origin %s is 403',
    async (origin) => {
      for (const method of METHODS) {
        expect((await call(server, { origin }, method)).status).toBe(403)
      }
    },
  )

  test('a port in use is an error that has it', async () => {
    const second = start({ ...options, port: server.port })
    await expect(second).rejects.toThrow(`Port ${server.port} on 127.0.0.1 is in use`)
  })

  test.each(['cross-site', 'same-site'])('an embedded %s request is 403', async (site) => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }
    for (const destination of ['image', 'script', 'iframe', 'empty']) {
      const embedded = { ...headers, 'sec-fetch-dest': destination }
      expect((await call(server, embedded, 'GET')).status).toBe(403)
    }
  })
})

test('the page of the mailbox can call it, and links from other pages work', async () => {
  const mailbox = await startMailbox()
  const origin = mailbox.url
  expect((await call(mailbox, { origin }, 'DELETE', '/mails')).status).toBe(204)
  const other = `http://localhost:${mailbox.port}`
  expect((await call(mailbox, { origin: other }, 'DELETE', '/mails')).status).toBe(403)
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }
  expect((await call(mailbox, link, 'GET')).status).toBe(200)
  expect((await call(mailbox, link, 'POST', '/emails')).status).toBe(403)
  await mailbox.close()
})

test('tokens and API keys are random by default', async () => {
  const gateways = await Promise.all([1, 2].map(() => startUpstashGateway({ engine: 'memory' })))
  const boxes = await Promise.all([1, 2].map(() => startMailbox()))
  const secrets = [...gateways.map(({ token }) => token), ...boxes.map(({ apiKey }) => apiKey)]
  expect(new Set(secrets).size).toBe(4)
  for (const secret of secrets) expect(secret).toMatch(/^(re_)?[\w-]{32}$/)
  await Promise.all([...gateways, ...boxes].map((each) => each.close()))
})
