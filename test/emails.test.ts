import { describe, expect, test } from 'vitest'
import { emailChangedEmail } from '../emails/email-changed.ts'
import { passwordChangedEmail } from '../emails/password-changed.ts'
import { passwordResetEmail } from '../emails/password-reset.ts'
import { testEmail } from '../emails/test.ts'
import { withoutBreaks } from '../emails/text.ts'
import { welcomeEmail } from '../emails/welcome.ts'
import { paletteOf } from '../src/env/brand.ts'
import { AT, allEmails, brandNamed, LINK } from './setup/emails.ts'

const HTML_MAX_CHARS = 30_000 // Gmail clips an email at about 102 KB

const lines = (text: string) => text.split('\n')

const person = { brand: brandNamed('ADL Production'), name: 'Maria' }

describe('the email', () => {
  test('password-reset has the link and its lifetime', () => {
    const mail = passwordResetEmail({ ...person, link: LINK, minutes: 60 })
    expect(mail.subject).toBe('Reset your ADL Production password')
    expect(mail.html).toContain('Hello Maria,')
    expect(mail.html).toContain(`href="${LINK.replaceAll('&', '&amp;')}"`)
    expect(mail.text).toContain('The link can be used once and expires in 60 minutes.')
    expect(lines(mail.text).filter((line) => line.includes(LINK))).toEqual([LINK])
    const singular = passwordResetEmail({ ...person, link: LINK, minutes: 1 })
    expect(singular.text).toContain('expires in 1 minute.')
  })

  test('welcome has the username, and a link to the frontend if there is one', () => {
    const link = 'https://app.example.com'
    const { subject, text } = welcomeEmail({ ...person, username: 'maria', link })
    expect(subject).toBe('Welcome to ADL Production')
    expect(lines(text)).toEqual(expect.arrayContaining(['Username: maria', link]))
    const { html, text: bare } = welcomeEmail({ ...person, username: 'maria' })
    expect(html).not.toContain('href=')
    expect(bare).not.toContain('http')
  })

  test('password-changed has the time, the place if known, and what to do', () => {
    const mail = passwordChangedEmail({ ...person, at: AT, place: 'Firefox on Linux' })
    expect(mail.subject).toBe('Your ADL Production password was changed')
    expect(lines(mail.text)).toContain('When: 22 November 2026 at 16:35 UTC')
    expect(lines(mail.text)).toContain('Where: Firefox on Linux')
    expect(mail.text).toContain('If this was not you')
    expect(passwordChangedEmail({ ...person, at: AT, place: null }).text).not.toContain('Where')
  })

  test('email-changed has both addresses, and what to do', () => {
    const addresses = { oldEmail: 'old@example.com', newEmail: 'new@example.com' }
    const { subject, text } = emailChangedEmail({ ...person, ...addresses, at: AT })
    expect(subject).toBe('The email address of your ADL Production account was changed')
    const seen = withoutBreaks(text)
    expect(seen).toContain('\nOld address: old@example.com\nNew address: new@example.com\n')
    expect(seen).toContain('If this was not you')
  })

  test('test has a greeting without a name', () => {
    const { subject, text } = testEmail({ brand: person.brand, at: AT })
    expect(subject).toBe('Test email from ADL Production')
    expect(text).toMatch(/^Hello,\n/)
  })
})

test.each(allEmails('Maria'))(
  'without a logo, the email %s is short, follows dark mode, and loads and runs nothing',
  (_name, { html, text }) => {
    expect(typeof text).toBe('string')
    expect(html.length).toBeLessThan(HTML_MAX_CHARS)
    expect(html).toMatch(/^<!doctype html>\n<html lang="en"/)
    expect(html).toContain('<meta name="color-scheme" content="light dark">')
    expect(html).toContain('@media (prefers-color-scheme:dark)')
    expect(html).not.toMatch(/<(script|img|link|iframe|object|form)|\bsrc=|url\(|@import|\son\w+=/i)
    for (const [, address] of html.matchAll(/https?:\/\/([^"<\s]*)/g)) {
      expect(address).toMatch(/^app\.example\.com\//)
    }
  },
)

test.each(allEmails('Maria', 'Acme', 'https://cdn.example.com/logo.png'))(
  'with a logo, the email %s loads that image alone, and has the name in text beside it',
  (_name, { html }) => {
    const images = [...html.matchAll(/<img[^>]*>/g)].map(([image]) => image)
    expect(images).toHaveLength(1)
    expect(images[0]).toContain('src="https://cdn.example.com/logo.png" height="32" alt=""')
    expect(html).toMatch(/<td class="muted"[^>]*>Acme<\/td>/)
    expect(html.match(/\bsrc=|url\(|@import/g)).toHaveLength(1)
  },
)

test('the button has the color of the brand, and links a shade of it that can be read, by scheme', () => {
  const brand = { ...brandNamed('Acme'), ...paletteOf('#ffd400') }
  const { html } = passwordResetEmail({ ...person, brand, link: LINK, minutes: 60 })
  expect(html).toContain('bgcolor="#ffd400" style="border:1px solid #7f6a00')
  expect(html).toMatch(/font-weight:600;color:#000000;text-decoration:none">Choose a new password/)
  expect(html).toContain('<a class="link" href="')
  expect(html).toContain('style="color:#7f6a00;word-break:break-all"')
  expect(html).toMatch(/prefers-color-scheme:dark.*\.link\{color:#ffd400!important\}/s)
})

describe('a value that a user or an operator chose', () => {
  const MARKUP = '<script>alert("1")</script><img src=x onerror=alert(1)>'

  test.each([...allEmails(MARKUP), ...allEmails('Maria', MARKUP)])(
    'cannot add markup to the email %s',
    (_name, { html }) => expect(html).not.toMatch(/<(script|img)/i),
  )

  test('is seen as it was typed', () => {
    const mail = passwordChangedEmail({ ...person, at: AT, place: MARKUP })
    expect(withoutBreaks(mail.text)).toContain(`\nWhere: ${MARKUP}\n`)
    expect(withoutBreaks(mail.html)).toContain(
      '>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;<',
    )
  })

  test('cannot leave an attribute', () => {
    const link = 'https://app.example.com/"><script>alert(1)</script>'
    const mail = welcomeEmail({ brand: brandNamed('P'), name: 'N', username: 'U', link })
    expect(mail.html).not.toContain('<script')
    expect(mail.html).toContain('href="https://app.example.com/&quot;&gt;')
  })

  test.each(['\r\n', '\n', '\r', '\u0085', '\u2028', '\u2029', '\v', '\0'])(
    'cannot start a line with %j',
    (breaker) => {
      const [plain, broken] = ['Maria Bcc. all', `Maria${breaker}Bcc. all`]
      expect(allEmails(broken, broken)).toEqual(allEmails(plain, plain))
    },
  )

  test.each(['\u202e', '\u2067', '\u200f', '\u061c'])(
    'cannot change the direction of the text with %j',
    (control) => {
      const typed = `Maria${control}gpj exe`
      for (const [, mail] of allEmails(typed, typed)) {
        const whole = mail.subject + mail.html + mail.text
        expect(whole).not.toContain(control)
        expect(whole).toContain('Maria gpj exe')
      }
    },
  )
})

describe('the greeting', () => {
  const greeting = (name: string) =>
    lines(passwordChangedEmail({ brand: brandNamed('P'), name, at: AT, place: null }).text)[0]

  test.each([
    'Maria Fernández',
    "Sinéad O'Connor",
    'J. R. R. Tolkien',
    'Sammy Davis Jr.',
    '李小龍',
  ])('has the name %s', (name) => {
    expect(greeting(name)).toBe(`Hello ${name},`)
  })

  // An attacker who registers a stranger's address must not be able to send that stranger a link.
  test.each([
    ...['Win at https://evil.example', 'evil.example', 'call me@evil.example', 'evil\u3002example'],
    ...['\uff0f\uff0fevil', 'me\uff20evil', ' \n ', ''],
  ])('omits %j', (name) => {
    expect(greeting(name)).toBe('Hello,')
  })

  test('truncates a long name', () => {
    expect(greeting('👩‍🚀'.repeat(500))?.length).toBeLessThan(200)
    expect(greeting('a'.repeat(500))).toBe(`Hello ${'a'.repeat(60)}…,`)
  })
})
