/** All emails, and what a mail client would make links of in them. */
import { LinkifyIt } from 'linkify-it'
import tlds from 'tlds'
import { emailChangedEmail } from '../../emails/email-changed.ts'
import type { Brand, Email } from '../../emails/layout.ts'
import { passwordChangedEmail } from '../../emails/password-changed.ts'
import { passwordResetEmail } from '../../emails/password-reset.ts'
import { testEmail } from '../../emails/test.ts'
import { welcomeEmail } from '../../emails/welcome.ts'
import { paletteOf } from '../../src/env/brand.ts'

export const LINK = 'https://app.example.com/reset-password?token=12.3.abc-_&lang=en'
export const AT = new Date('2026-11-22T16:35:00Z')

export const brandNamed = (name: string, logoUrl?: string): Brand => ({
  ...{ name, logoUrl },
  ...paletteOf('#1d4ed8'),
})

/** Every email, with `typed` wherever somebody else can choose the text. */
export function allEmails(
  typed: string,
  project = 'ADL Production',
  logoUrl?: string,
): [string, Email][] {
  const common = { brand: brandNamed(project, logoUrl), name: typed, at: AT }
  return [
    ['password-reset', passwordResetEmail({ ...common, link: LINK, minutes: 60 })],
    ['welcome', welcomeEmail({ ...common, username: typed, link: LINK })],
    ['password-changed', passwordChangedEmail({ ...common, place: typed })],
    ['email-changed', emailChangedEmail({ ...common, oldEmail: typed, newEmail: typed })],
    ['test', testEmail(common)],
  ]
}

/** More than any mail client: all top-level domains, and numeric addresses. */
const linkify = new LinkifyIt({ fuzzyLink: true, fuzzyIP: true, fuzzyEmail: true, tlds })

const ENTITIES: Record<string, string> = {
  ...{ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" },
  ...{ '&nbsp;': '\u00a0', '&zwnj;': '\u200c', '&#847;': '\u034f' },
}

function fail(entity: string): never {
  throw new Error(`What does ${entity} look like?`)
}

/** What is seen of HTML: no tag stands in the middle of a word. */
const seenOf = (html: string) =>
  html
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, '\n')
    .replace(/&#?\w+;/g, (entity) => ENTITIES[entity] ?? fail(entity))

/** As a client reads a line that folds what hosts and addresses may be written with (UTS 46). */
const folded = (line: string) =>
  line
    .replace(/[\u2024\u3002\ufe52\uff0e\uff61]/g, '.')
    .replace(/[\uff20\ufe6b]/g, '@')
    .replace(/[\u2044\u2215\uff0f]/g, '/')
    .replace(/[\ufe13\ufe55\uff1a]/g, ':')

/** By line: our own words are the same in every email of a kind. */
const known = new Map<string, string[]>()

function linksOf(line: string) {
  const links =
    known.get(line) ??
    [line, folded(line)].flatMap((each) => linkify.match(each) ?? []).map(({ raw }) => raw)
  known.set(line, links)
  return links
}

/** Whatever a mail client makes a link of, or is one. */
export const linksIn = ({ subject, html, text }: Email) => [
  ...[subject, text, seenOf(html)].flatMap((each) => each.split('\n').flatMap(linksOf)),
  ...[...html.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&')),
]
