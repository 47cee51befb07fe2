import * as fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import type { Letter } from '../../emails/layout.ts'
import { passwordChangedEmail } from '../../emails/password-changed.ts'
import { withoutBreaks } from '../../emails/text.ts'
import { AT, allEmails, brandNamed, LINK, linksIn } from '../setup/emails.ts'

const linkLike = fc
  .array(
    fc.constantFrom(
      ...['http:', 'HTTPS://', '//', '/', '\\', ':', '@', 'www.', 'ftp:', 'mailto:', '?x=', '#'],
      ...['evil', 'a', '.com', '.co.uk', '.рф', '.xn--p1ai', '中国', 'localhost', '1.2.3.4'],
      ...['[::1]', '\u3002com', '\uff0ecom', '\u2024com', '\uff61com'],
      ...['\uff20', '\uff0f', '\uff1a', '\u200b', '\u200c', '\u200d', '\u2060', '\u202e'],
      ...['%2e', '%2F', '%40', '&#46;', '&period;', '<a href="', '">', '</a>', '"', "'", '(', ')'],
      ...[' ', '\n', '\0', '\u00a0', '\u00ad'],
    ),
    { minLength: 1, maxLength: 9 },
  )
  .map((parts) => parts.join(''))

const typed = fc.oneof(
  { weight: 4, arbitrary: linkLike },
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.tuple(fc.domain(), fc.ipV4(), fc.ipV6()).map((hosts) => hosts.join(' ')),
  fc.emailAddress(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
)

test('19 (CWE-451): whatever somebody typed is no link in any email; only ours is', () => {
  fc.assert(
    fc.property(typed, (value) => {
      for (const [name, mail] of allEmails(value)) {
        const others = linksIn(mail).filter((link) => link !== LINK)
        expect(others, `${name}: ${JSON.stringify(value)}`).toEqual([])
      }
    }),
    { numRuns: 2_000 },
  )
})

test('19: an address that was typed is read as it was typed', () => {
  const facts = fc.oneof(fc.webUrl(), fc.domain(), fc.emailAddress(), fc.ipV4())
  fc.assert(
    fc.property(facts, (place) => {
      const { text } = passwordChangedEmail({ brand: brandNamed('P'), name: 'N', at: AT, place })
      expect(text).not.toContain(place)
      expect(withoutBreaks(text)).toContain(`\nWhere: ${place}\n`)
    }),
  )
})

test('19: what was typed cannot be put into an email unfiltered', () => {
  expectTypeOf<string>().not.toExtend<Letter['subject' | 'preview' | 'reason']>()
  expectTypeOf<string>().not.toExtend<Letter['blocks'][number]>()
  expectTypeOf<{ button: string; link: string }>().not.toExtend<Letter['blocks'][number]>()
  expectTypeOf<{ facts: [string, string][] }>().not.toExtend<Letter['blocks'][number]>()
})

test('19: our own link is one, and the name of the project may be', () => {
  const links = new Set(allEmails('Maria', 'shop.example').flatMap(([, mail]) => linksIn(mail)))
  expect(links).toEqual(new Set([LINK]))
  const real = new Set(allEmails('Maria', 'shop.com').flatMap(([, mail]) => linksIn(mail)))
  expect(real).toEqual(new Set([LINK, 'shop.com']))
})
