import { Resend } from 'resend'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { startMailbox } from '../../local/mailbox/index.ts'
import { API_KEY, MAIL } from './sample-mail.ts'

const mailbox = await startMailbox({ apiKey: API_KEY })
const resend = new Resend(API_KEY, { baseUrl: mailbox.url })
afterAll(() => mailbox.close())

const HOSTILE = {
  from: 'Shop <shop@example.com>',
  to: 'ada@example.com',
  subject: `"><script>alert('subject')</script>`,
  html: `<html><head><title>x</title></head><body><p>Hello</p></body></html>`,
  text: `See https://example.com/?a=1&b="><script>alert('text')</script>`,
  headers: { 'X-Custom': '<script>alert(1)</script>' },
}
let id: string | undefined
beforeEach(async () => {
  await fetch(`${mailbox.url}/mails`, { method: 'DELETE' })
  id = (await resend.emails.send(HOSTILE)).data?.id
})

async function get(path: string) {
  const response = await fetch(mailbox.url + path)
  const policy = response.headers.get('content-security-policy')
  return { status: response.status, policy, text: await response.text() }
}

test.each(['', '?view=html', '?view=text', '?view=headers'])(
  'the page escapes the email on its page%s',
  async (view) => {
    const { status, policy, text } = await get(`/mails/${id}${view}`)
    expect(status).toBe(200)
    expect(policy).toContain("default-src 'none'; style-src 'self'; script-src 'self'")
    expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/page/live.js" defer>'])
    expect(text).toContain('&quot;&gt;&lt;script&gt;alert(&#39;subject&#39;)&lt;/script&gt;')
  },
)

test('the page lists subjects and recipients, newest first', async () => {
  const second = await resend.emails.send(MAIL)
  const { text } = await get('/')
  expect(text.indexOf(`/mails/${second.data?.id}`)).toBeLessThan(text.indexOf(`/mails/${id}`))
  expect(text).toContain('<span class="to">ada@example.com</span>')
})

test('the page shows the email in a frame without scripts, with links that open in a new tab', async () => {
  expect((await get(`/mails/${id}`)).text).toMatch(
    /<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/,
  )
  const { policy, text } = await get(`/mails/${id}/html`)
  expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/)
  expect(policy).not.toContain('script')
  expect(text).toContain('<head><base target="_blank"><title>')
  expect((await get(`/mails/${id}?view=text`)).text).toContain(
    '<a href="https://example.com/?a=1&amp;b=" target="_blank" rel="noopener',
  )
})

test('the page is notified of new and deleted emails', async () => {
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

test('the page of an unknown email is 404, with the list', async () => {
  const { status, text } = await get('/mails/00000000-0000-4000-8000-000000000000')
  expect(status).toBe(404)
  expect(text).toContain(`/mails/${id}`)
})

test.each(['/page/style.css', '/page/live.js'])('the page loads %s', async (path) => {
  expect((await get(path)).status).toBe(200)
})

test('the page finds emails by words of an address, the subject or the text, and its links keep the search', async () => {
  const { data } = await resend.emails.send({
    ...MAIL,
    to: 'Grace <grace@example.com>',
    text: 'Code 7',
  })
  for (const words of ['GRACE', 'code%207', 'hop+7', 'Za%C5%BC%C3%B3%C5%82%C4%87']) {
    const { text } = await get(`/?search=${words}`)
    expect(text).toContain(`href="/mails/${data?.id}?search=`)
    expect(text).not.toContain(`/mails/${id}`)
    expect(text).toContain('>1 of 2<')
  }
  const open = await get(`/mails/${id}?search=grace`)
  expect(open.text).toContain(`href="/mails/${data?.id}?search=grace"`)
  expect(open.text).toContain(`href="/mails/${id}?view=text&amp;search=grace"`)
  expect(open.text).toContain('href="/?search=grace"')
})

test('the page says what was not found, escaped', async () => {
  const { text } = await get('/?search=%22%3E%3Cscript%3E7')
  expect(text).toContain('No email has “&quot;&gt;&lt;script&gt;7”')
  expect(text).toContain('value="&quot;&gt;&lt;script&gt;7"')
})
