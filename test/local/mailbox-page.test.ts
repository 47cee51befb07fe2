import { Resend } from 'resend'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningMailbox, startMailbox } from '../../local/mailbox/index.ts'

const MAIL = {
  from: 'Shop <shop@example.com>',
  to: 'ada@example.com',
  subject: `"><script>alert('subject')</script>`,
  html: `<html><head><title>x</title></head><body><p>Hello</p></body></html>`,
  text: `See https://example.com/?a=1&b="><script>alert('text')</script>`,
  headers: { 'X-Custom': '<script>alert(1)</script>' },
}

let mailbox: RunningMailbox
let resend: Resend
let id = ''

beforeAll(async () => {
  mailbox = await startMailbox()
  resend = new Resend(mailbox.apiKey, { baseUrl: mailbox.url })
  id = (await resend.emails.send(MAIL)).data?.id ?? ''
})

afterAll(() => mailbox.close())

async function get(path: string) {
  const response = await fetch(mailbox.url + path)
  const policy = response.headers.get('content-security-policy')
  return { status: response.status, policy, text: await response.text() }
}

test.each(['', '?view=html', '?view=text', '?view=headers'])(
  'the email is escaped on its page%s',
  async (view) => {
    const { status, policy, text } = await get(`/mails/${id}${view}`)
    expect(status).toBe(200)
    expect(policy).toContain("default-src 'none'; style-src 'self'; script-src 'self'")
    expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/page/live.js" defer>'])
    expect(text).toContain('&quot;&gt;&lt;script&gt;alert(&#39;subject&#39;)&lt;/script&gt;')
  },
)

test('the list shows subject and recipient, newest first', async () => {
  const second = await resend.emails.send({ ...MAIL, subject: 'Second' })
  const { text } = await get('/')
  expect(text.indexOf(`/mails/${second.data?.id}`)).toBeLessThan(text.indexOf(`/mails/${id}`))
  expect(text).toContain('<span class="to">ada@example.com</span>')
})

test('the email is in a frame without scripts, and its links open in a new tab', async () => {
  expect((await get(`/mails/${id}`)).text).toMatch(
    /<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/,
  )
  const { policy, text } = await get(`/mails/${id}/html`)
  expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/)
  expect(policy).not.toContain('script')
  expect(text).toContain('<head><base target="_blank"><title>')
})

test('links in the text open in a new tab', async () => {
  const { text } = await get(`/mails/${id}?view=text`)
  expect(text).toContain('<a href="https://example.com/?a=1&amp;b=" target="_blank" rel="noopener')
})

test('a new email and an empty list are events', async () => {
  const response = await fetch(`${mailbox.url}/events`)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toBe('retry: 1000\n\n')
  await resend.emails.send(MAIL)
  expect((await reader?.read())?.value).toBe('event: change\ndata:\n\n')
  expect((await fetch(`${mailbox.url}/mails`, { method: 'DELETE' })).status).toBe(204)
  expect((await reader?.read())?.value).toBe('event: change\ndata:\n\n')
  await reader?.cancel()
  expect((await get('/')).text).toContain('No emails yet.')
})

test('an unknown email is 404, with the list', async () => {
  const { status, text } = await get('/mails/00000000-0000-4000-8000-000000000000')
  expect(status).toBe(404)
  expect(text).toContain('<h1><a href="/">Mailbox</a></h1>')
})

test.each(['/page/style.css', '/page/live.js'])('%s is 200', async (path) => {
  expect((await get(path)).status).toBe(200)
})
