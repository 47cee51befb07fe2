import { type Html, html } from './html.ts'
import type { StoredMail } from './store.ts'

export type View = 'html' | 'text' | 'headers'

/** Links keep the search. */
export const pathOf = (path: string, query: Record<string, string>) => {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path
}

/** An open email: the envelope, and one of its views. */
export function renderMail({ mail, view }: { mail: StoredMail; view: View }, search: string): Html {
  const views: View[] = [
    ...(mail.html === null ? [] : (['html'] as const)),
    ...(mail.text === null ? [] : (['text'] as const)),
    'headers',
  ]
  const tabs = views.map((one) => {
    const current = one === view ? html` aria-current="page"` : ''
    return html`<a href="${pathOf(`/mails/${mail.id}`, { view: one, search })}"${current}>${TAB_NAMES[one]}</a>`
  })
  return html`
  <a class="back" href="${pathOf('/', { search })}">‹ All emails</a>
  <h2>${mail.subject || '(no subject)'}</h2>
  <dl class="envelope">
    <dt>From</dt><dd>${mail.from}</dd>
    <dt>To</dt><dd>${mail.to.join(', ')}</dd>
    <dt>Sent</dt><dd><time datetime="${mail.createdAt.toISOString()}" data-long>${mail.createdAt.toUTCString()}</time></dd>
  </dl>
  <div class="tabs">${tabs}</div>
  ${renderView(mail, view)}`
}

const TAB_NAMES = { html: 'HTML', text: 'Text', headers: 'Headers' }

function renderView(mail: StoredMail, view: View): Html {
  switch (view) {
    case 'html':
      return html`<iframe title="Email" src="/mails/${mail.id}/html"
        sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>`
    case 'text':
      return html`<pre class="text">${withLinks(mail.text ?? '')}</pre>`
    case 'headers':
      return html`<dl class="headers">${headersOf(mail).map(
        ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
      )}</dl>`
  }
}

function withLinks(text: string): Html[] {
  return text
    .split(/(https?:\/\/[^\s<>"]+)/)
    .map((part, at) =>
      at % 2 === 1
        ? html`<a href="${part}" target="_blank" rel="noopener noreferrer">${part}</a>`
        : html`${part}`,
    )
}

function headersOf(mail: StoredMail): [string, string][] {
  const attachments = mail.attachments.map(({ filename, bytes }) =>
    bytes === null ? filename : `${filename} (${bytes} bytes)`,
  )
  const optional: [string, string[]][] = [
    ['Cc', mail.cc],
    ['Bcc', mail.bcc],
    ['Reply-To', mail.replyTo],
    ['Attachments', attachments],
    ['Tags', mail.tags.map(({ name, value }) => `${name}=${value}`)],
    ['Idempotency-Key', mail.idempotencyKey === null ? [] : [mail.idempotencyKey]],
  ]
  return [
    ['Id', mail.id],
    ['Message-ID', mail.messageId],
    ['Date', mail.createdAt.toUTCString()],
    ['From', mail.from],
    ['To', mail.to.join(', ')],
    ['Subject', mail.subject],
    ...optional.flatMap(([name, values]): [string, string][] =>
      values.length > 0 ? [[name, values.join(', ')]] : [],
    ),
    ...Object.entries(mail.headers),
  ]
}

/** The email's own HTML, for the frame. Links open in a new tab, as the sandbox requires. */
export function renderMailHtml(mail: StoredMail): string {
  const base = '<base target="_blank">'
  const markup = mail.html ?? ''
  const head = /<head[^>]*>/i.exec(markup)
  if (!head) return `<!doctype html>${base}${markup.replace(/^\s*<!doctype[^>]*>/i, '')}`
  const end = head.index + head[0].length
  return markup.slice(0, end) + base + markup.slice(end)
}
