import { describe, expect, it } from 'vitest'
import { emailChangedEmail } from '../emails/email-changed.ts'
import type { Email } from '../emails/layout.ts'
import { passwordChangedEmail } from '../emails/password-changed.ts'
import { passwordResetEmail } from '../emails/password-reset.ts'
import { testEmail } from '../emails/test.ts'
import { welcomeEmail } from '../emails/welcome.ts'

const LINK = 'https://app.example.com/reset-password?token=12.3.abc-_&lang=en'
const AT = new Date('2026-11-22T16:35:00Z')
const HTML_MAX_CHARS = 30_000 // Gmail clips a mail at about 102 KB

/** Every mail, with `value` wherever a person or an operator may have typed it. */
function allMails(value: string): [string, Email][] {
  const common = { project: value, name: value, at: AT }
  return [
    ['password-reset', passwordResetEmail({ ...common, link: LINK, minutes: 60 })],
    ['welcome', welcomeEmail({ ...common, username: value, link: LINK })],
    ['password-changed', passwordChangedEmail({ ...common, place: value })],
    ['email-changed', emailChangedEmail({ ...common, oldEmail: value, newEmail: value })],
    ['test', testEmail(common)],
  ]
}

function lines(text: string): string[] {
  return text.split('\n')
}

describe('what each mail says', () => {
  const person = { project: 'ADL Production', name: 'Maria' }

  it('password-reset: the link and how long it works', () => {
    const mail = passwordResetEmail({ ...person, link: LINK, minutes: 60 })
    expect(mail.subject).toBe('Reset your ADL Production password')
    expect(mail.html).toContain('Hello Maria,')
    expect(mail.html).toContain(`href="${LINK.replaceAll('&', '&amp;')}"`)
    expect(mail.text).toContain('The link works once, for 60 minutes.')
    expect(lines(mail.text).filter((line) => line.includes(LINK))).toEqual([LINK])
  })

  it('password-reset: one minute is singular', () => {
    const mail = passwordResetEmail({ ...person, link: LINK, minutes: 1 })
    expect(mail.text).toContain('for 1 minute.')
  })

  it('welcome: the username, and the frontend where there is one', () => {
    const linked = welcomeEmail({ ...person, username: 'maria', link: 'https://app.example.com' })
    expect(linked.subject).toBe('Welcome to ADL Production')
    expect(lines(linked.text)).toContain('Username: maria')
    expect(lines(linked.text)).toContain('https://app.example.com')

    const bare = welcomeEmail({ ...person, username: 'maria' })
    expect(bare.html).not.toContain('href=')
    expect(bare.text).not.toContain('http')
  })

  it('password-changed: when, where if known, and what to do', () => {
    const mail = passwordChangedEmail({ ...person, at: AT, place: 'Firefox on Linux' })
    expect(mail.subject).toBe('Your ADL Production password was changed')
    expect(lines(mail.text)).toContain('When: 22 November 2026 at 16:35 UTC')
    expect(lines(mail.text)).toContain('Where: Firefox on Linux')
    expect(mail.text).toContain('If it was not you')
    expect(passwordChangedEmail({ ...person, at: AT, place: null }).text).not.toContain('Where')
  })

  it('email-changed: both addresses, and what to do', () => {
    const addresses = { oldEmail: 'old@example.com', newEmail: 'new@example.com' }
    const mail = emailChangedEmail({ ...person, ...addresses, at: AT })
    expect(mail.subject).toBe('The email address of your ADL Production account was changed')
    expect(lines(mail.text)).toContain('Old address: old@example.com')
    expect(lines(mail.text)).toContain('New address: new@example.com')
    expect(mail.text).toContain('If it was not you')
  })

  it('test: that sending works', () => {
    const mail = testEmail({ project: 'ADL Production', at: AT })
    expect(mail.subject).toBe('Test mail from ADL Production')
    expect(mail.text).toMatch(/^Hello,\n/)
  })
})

describe.each(allMails('Maria'))('%s in a mail program', (_name, mail) => {
  it('is two plain strings, the HTML far from being clipped', () => {
    expect(typeof mail.html).toBe('string')
    expect(typeof mail.text).toBe('string')
    expect(mail.html.length).toBeLessThan(HTML_MAX_CHARS)
    expect(mail.html).toMatch(/^<!doctype html>\n<html lang="en"/)
  })

  it('follows dark mode', () => {
    expect(mail.html).toContain('<meta name="color-scheme" content="light dark">')
    expect(mail.html).toContain('@media (prefers-color-scheme:dark)')
  })

  it('loads nothing and runs nothing', () => {
    expect(mail.html).not.toMatch(
      /<(script|img|link|iframe|object|form)|\bsrc=|url\(|@import|\son\w+=/i,
    )
    for (const [, address] of mail.html.matchAll(/https?:\/\/([^"<\s]*)/g)) {
      expect(address).toMatch(/^app\.example\.com\//)
    }
  })
})

describe('values that people typed', () => {
  it.each(allMails('<script>alert("1")</script><img src=x onerror=alert(1)>'))(
    '%s: markup is text',
    (_name, mail) => {
      expect(mail.html).not.toMatch(/<(script|img)/i)
      expect(mail.html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;')
      expect(mail.text).toContain('<script>alert("1")</script>')
    },
  )

  it('cannot leave an attribute', () => {
    const link = 'https://app.example.com/"><script>alert(1)</script>'
    const mail = welcomeEmail({ project: 'P', name: 'N', username: 'U', link })
    expect(mail.html).not.toContain('<script')
    expect(mail.html).toContain('href="https://app.example.com/&quot;&gt;')
  })

  it.each([
    ['CR LF', '\r\n'],
    ['LF', '\n'],
    ['CR', '\r'],
    ['NEL', '\u0085'],
    ['line separator', '\u2028'],
    ['paragraph separator', '\u2029'],
    ['vertical tab', '\v'],
    ['NUL', '\0'],
  ])('cannot start a line with %s', (_name, breaker) => {
    const plain = allMails('Maria Bcc. all')
    expect(allMails(`Maria${breaker}Bcc. all`)).toEqual(plain)
    for (const [, mail] of plain) expect(mail.subject).not.toMatch(/\p{Cc}/u)
  })

  it('cannot reverse the text around them', () => {
    for (const [, mail] of allMails('Maria\u202egpj.exe')) {
      expect(mail.subject + mail.html + mail.text).not.toContain('\u202e')
    }
  })
})

describe('the greeting', () => {
  const greeting = (name: string) =>
    lines(passwordChangedEmail({ project: 'P', name, at: AT, place: null }).text)[0]

  it.each(['Maria Fernández', "Sinéad O'Connor", 'J. R. R. Tolkien', 'Sammy Davis Jr.', '李小龍'])(
    'greets %s',
    (name) => {
      expect(greeting(name)).toBe(`Hello ${name},`)
    },
  )

  // Whoever registers a stranger's address must not get to send that stranger a link.
  it.each(['Win at https://evil.example', 'evil.example', 'call me@evil.example', ' \n ', ''])(
    'leaves out %j',
    (name) => {
      expect(greeting(name)).toBe('Hello,')
    },
  )

  it('is short whatever the name', () => {
    expect(greeting('👩‍🚀'.repeat(500))?.length).toBeLessThan(200)
    expect(greeting('a'.repeat(500))).toBe(`Hello ${'a'.repeat(60)}…,`)
  })
})
