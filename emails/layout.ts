import { html, raw } from 'hono/html'
import { oneLine, ours, readsAsLink, stringOf, type Text, text } from './text.ts'

/** An email to send. Both bodies have the same content. */
export type Email = { subject: string; html: string; text: string }

/** Whose email it is, and how it looks. Colors are #rrggbb. */
export type Brand = {
  name: string
  /** Shown 32 pixels high. Clients that load no images show the name alone. */
  logoUrl: string | undefined
  /** Of the button, and of its text. */
  fill: string
  onFill: string
  /** Of links and the border of the button, by color scheme. */
  light: string
  dark: string
}

export type Fact = [label: Text, value: Text]

/** A paragraph, a button, or labeled facts. */
type Block = Text | { button: Text; link: Text } | { facts: Fact[] }

export type Letter = {
  brand: Brand
  subject: Text
  /** The preview text next to the subject in an inbox. */
  preview: Text
  /** The recipient's name. Without it, the greeting is "Hello". */
  name?: string | undefined
  blocks: Block[]
  /** Why the recipient received this email, in small print at the end. */
  reason: Text
}

type Markup = ReturnType<typeof html>

const GREETED_NAME_MAX = 60 // code points: enough for a name, not for a message

// Keeps the start of the body out of the preview.
const PREVIEW_FILLER = raw('&#847;&zwnj;&nbsp;'.repeat(60))

const FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
const PARAGRAPH = 'margin:0 0 18px;font-size:16px;line-height:25px'
const SMALL = 'margin:0;font-size:13px;line-height:20px;color:#5a6270'

// The light colors are inline, for clients that remove <style>. This is for dark mode and phones only.
const styleOf = ({ dark }: Brand) =>
  raw(`<style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:480px){
.page{padding:12px 8px!important}
.card{padding:24px 20px 8px!important}
.fact{display:block!important;padding:0!important}
th.fact{padding-top:10px!important}
}
@media (prefers-color-scheme:dark){
.page{background:#14161a!important}
.card{background:#1f2228!important;border-color:#343943!important}
.text{color:#e8eaed!important}
.muted{color:#a9b0bb!important}
.link{color:${dark}!important}
.button{border-color:${dark}!important}
}
</style>`)

/** A time in UTC: `22 November 2026 at 16:35 UTC`. */
export function formatTime(at: Date): Text {
  const format = { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' } as const
  return ours(`${new Intl.DateTimeFormat('en-GB', format).format(at)} UTC`)
}

/** A name that reads as a link is left out: broken up, it would still advertise. */
function greeting(name = ''): Text {
  const clean = oneLine(name)
  if (clean === '' || readsAsLink(clean)) return text`Hello,`
  const letters = [...clean]
  if (letters.length <= GREETED_NAME_MAX) return text`Hello ${clean},`
  return text`Hello ${letters.slice(0, GREETED_NAME_MAX).join('')}…,`
}

function paragraph(line: Text): Markup {
  return html`<p class="text" style="${PARAGRAPH};color:#1f2430">${stringOf(line)}</p>`
}

/** A button, with padding that also works in Outlook, and the address for readers who can't click it. */
function button(label: Text, link: Text, { fill, onFill, light }: Brand): Markup {
  const href = stringOf(link)
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:6px 0 22px"><tr>
<td class="button" bgcolor="${fill}" style="border:1px solid ${light};border-radius:8px;background:${fill};mso-padding-alt:12px 24px"><a href="${href}" style="display:inline-block;padding:12px 24px;border-radius:8px;font-size:16px;line-height:22px;font-weight:600;color:${onFill};text-decoration:none">${stringOf(label)}</a></td>
</tr></table>
<p class="muted" style="${SMALL};margin-bottom:18px">If the button does not work, copy this link into your browser:<br><a class="link" href="${href}" style="color:${light};word-break:break-all">${href}</a></p>`
}

function facts(rows: Fact[]): Markup {
  return html`<table cellpadding="0" cellspacing="0" border="0" style="margin:0 0 18px">${rows.map(
    ([label, value]) => html`<tr>
<th class="fact muted" scope="row" align="left" valign="top" style="padding:3px 16px 3px 0;font-size:14px;line-height:22px;font-weight:400;color:#5a6270;white-space:nowrap">${stringOf(label)}</th>
<td class="fact text" style="padding:3px 0;font-size:16px;line-height:22px;font-weight:600;color:#1f2430;word-break:break-word">${stringOf(value)}</td>
</tr>`,
  )}</table>`
}

function blockHtml(block: Block, brand: Brand): Markup {
  if ('facts' in block) return facts(block.facts)
  return 'button' in block ? button(block.button, block.link, brand) : paragraph(block)
}

function blockText(block: Block): string {
  if ('button' in block) return `${stringOf(block.button)}:\n${stringOf(block.link)}`
  if (!('facts' in block)) return stringOf(block)
  return block.facts.map(([label, value]) => `${stringOf(label)}: ${stringOf(value)}`).join('\n')
}

/** The logo needs no text for readers who do not see it: the name is beside it. */
function header({ name, logoUrl }: Brand): Markup {
  const logo = html`<td style="padding-right:12px"><img src="${logoUrl}" height="32" alt="" style="display:block;height:32px;width:auto;max-width:200px;border:0"></td>`
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 20px"><tr>
${logoUrl === undefined ? '' : logo}
<td class="muted" style="font-size:14px;line-height:20px;font-weight:600;color:#5a6270">${stringOf(ours(name))}</td>
</tr></table>`
}

function page(letter: Letter): Markup {
  const { brand } = letter
  return html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>${stringOf(letter.subject)}</title>
${styleOf(brand)}
</head>
<body class="page" style="margin:0;padding:0;background:#f4f5f7">
<div style="display:none;max-height:0;overflow:hidden">${stringOf(letter.preview)}${PREVIEW_FILLER}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="page" align="center" style="padding:32px 16px;background:#f4f5f7;${FONT}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;text-align:left">
<tr><td class="card" style="padding:32px 32px 14px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px">
${header(brand)}
${paragraph(greeting(letter.name))}
${letter.blocks.map((block) => blockHtml(block, brand))}
</td></tr>
<tr><td style="padding:16px 8px 0"><p class="muted" style="${SMALL}">${stringOf(letter.reason)}</p></td></tr>
</table>
</td></tr></table>
</body>
</html>`
}

/** Renders a letter as HTML and as plain text. Markup in a value is escaped. */
export function renderEmail(letter: Letter): Email {
  const markup = page(letter)
  if (markup instanceof Promise) throw new TypeError('An email must render synchronously')
  const opening = stringOf(greeting(letter.name))
  const body = [opening, ...letter.blocks.map(blockText)].join('\n\n')
  return {
    subject: stringOf(letter.subject),
    html: markup.toString(),
    text: `${body}\n\n-- \n${stringOf(ours(letter.brand.name))}\n${stringOf(letter.reason)}\n`,
  }
}
