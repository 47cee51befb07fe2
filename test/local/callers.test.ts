import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMailbox } from '../../local/mailbox/index.ts'
import { startNeonGateway } from '../../local/neon/index.ts'
import { startUpstashGateway } from '../../local/upstash/index.ts'

/** What a browser would send for a page; fetch in Node sets no `Host` of the caller's choice. */
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

const options = { allowedHosts: ['proxy.example:443'] }

const servers = [
  {
    name: 'the Neon gateway',
    start: () => startNeonGateway({ connectTo: 'postgresql://127.0.0.1:1', ...options }),
  },
  {
    name: 'the Upstash gateway',
    start: () => startUpstashGateway({ engine: 'memory', ...options }),
  },
  { name: 'the mail box', start: () => startMailbox(options) },
]

describe.each(servers)('$name', ({ start }) => {
  let server: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server.close())

  test.each(['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST'])(
    'Host %s is accepted',
    async (name) => {
      const { status } = await call(server, { host: `${name}:${server.port}` })
      expect([400, 401]).toContain(status) // What it says to a request without credentials.
    },
  )

  test('a Host of the option is accepted', async () => {
    const { status } = await call(server, { host: 'proxy.example:443' })
    expect([400, 401]).toContain(status)
  })

  test.each(['evil.example', 'evil.example:{port}', '127.0.0.1', '127.0.0.1.evil.example:{port}'])(
    'Host %s is 421 and named',
    async (name) => {
      const host = name.replace('{port}', String(server.port))
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const rejected = await call(server, { host }, method)
        expect(rejected.status).toBe(421)
        expect(rejected.text).toContain(host)
        expect(rejected.text).toContain(`127.0.0.1:${server.port}, localhost:${server.port}`)
      }
    },
  )

  test.each(['https://evil.example', 'null', 'http://localhost:3000'])(
    'a request from the page %s is 403',
    async (origin) => {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        expect((await call(server, { origin }, method)).status).toBe(403)
      }
    },
  )

  test.each(['cross-site', 'same-site'])('what a %s page embeds is 403', async (site) => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }
    for (const destination of ['image', 'script', 'iframe', 'empty']) {
      const embedded = { ...headers, 'sec-fetch-dest': destination }
      expect((await call(server, embedded, 'GET')).status).toBe(403)
    }
  })
})

describe('the page of the mail box', () => {
  test('may call it, and a link on another page leads to it', async () => {
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
})

test('tokens and keys are random unless they are given', async () => {
  const gateways = await Promise.all([1, 2].map(() => startUpstashGateway({ engine: 'memory' })))
  const boxes = await Promise.all([1, 2].map(() => startMailbox()))
  const secrets = [...gateways.map(({ token }) => token), ...boxes.map(({ apiKey }) => apiKey)]
  expect(new Set(secrets).size).toBe(4)
  for (const secret of secrets) expect(secret).toMatch(/^(re_)?[\w-]{32}$/)
  await Promise.all([...gateways, ...boxes].map((each) => each.close()))
})
