const content = Symbol('content')

/**
 * A line of an email. Only `text` and `ours` make one, so that nothing that somebody typed gets into an
 * email as it was typed.
 */
export type Text = { readonly [content]: string }

// Anyone can register with another person's address, and must not be able to send that person a link.
// Clients make one of `shop.example`, `a@b.example`, `x:y` and `//x`. The others are what NFKC or UTS 46
// fold into these characters, or look like them.
const DOTS = '.\u2024\u3002\ufe52\uff0e\uff61'
const OTHERS = '/\\\\@:\u2044\u2215\ufe13\ufe55\ufe68\ufe6b\uff0f\uff1a\uff20\uff3c'
const PUNCTUATION = `[${DOTS}${OTHERS}]`

const LINK_LIKE = new RegExp(`[${OTHERS}]|[\\p{L}\\p{N}][${DOTS}]\\p{L}{2}`, 'u')

/**
 * ZERO WIDTH NON-JOINER, on both sides of the punctuation of a link: clients see no link, and readers no
 * difference. If a client makes a link all the same, it is dead: URL parsers reject this character in a
 * host, where they drop U+200B and U+2060 (UTS 46).
 */
const BREAK = '\u200c'
const UNBROKEN = new RegExp(`(?=${PUNCTUATION}\\S)|(?<=${PUNCTUATION})(?=\\S)`, 'gu')
const BROKEN = new RegExp(`${BREAK}(?=${PUNCTUATION})|(?<=${PUNCTUATION})${BREAK}`, 'gu')

// C0 and C1 controls, line and paragraph separators, and bidirectional controls (Trojan Source).
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\s]+/gu

/** Replaces each run of control characters and white space with one space. */
export const oneLine = (value: string) => value.replace(CONTROLS, ' ').trim()

/** Whether a client may make a link of some part of this. */
export const readsAsLink = (value: string) => LINK_LIKE.test(value)

/** What was typed, of what was copied from an email. */
export const withoutBreaks = (value: string) => value.replace(BROKEN, '')

/** Our own words, around values. A string is what somebody typed: what reads as a link in it is broken up. */
export function text(own: TemplateStringsArray, ...values: (string | Text)[]): Text {
  const shown = values.map((value) =>
    typeof value === 'string' ? oneLine(value).replace(UNBROKEN, BREAK) : value[content],
  )
  return ours(String.raw({ raw: own }, ...shown))
}

/** A value that we chose, such as the name of the project or our own link: it may read as a link. */
export const ours = (value: string): Text => ({ [content]: oneLine(value) })

export const stringOf = (text: Text) => text[content]
