import { type Html, html } from './html.ts'
import type { StoredMail } from './store.ts'

export type View = 'html' | 'text' | 'headers'

interface PageState {
  mails: readonly StoredMail[]
  /** The email that is open, and which tab. */
  shown?: { mail: StoredMail; view: View }
  /** For the example that is shown while there are no emails. */
  url: string
  apiKey: string
}

export function renderPage(state: PageState): string {
  const { mails, shown } = state
  const title = shown ? `${shown.mail.subject} · Mailbox` : `Mailbox (${mails.length})`
  return `<!doctype html>\n${html`<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title}</title>
  <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
  <link rel="stylesheet" href="/page/style.css">
  <script src="/page/live.js" defer></script>
</head>
<body class="${shown ? 'reading' : 'listing'}">
  <header>
    <h1><a href="/">Mailbox</a></h1>
    <span id="count">${mails.length}</span>
    <button id="clear" type="button"${mails.length === 0 ? html` hidden` : ''}>Clear</button>
  </header>
  <nav id="list" aria-label="Emails">
    ${mails.length === 0 ? renderEmpty(state) : renderList(mails, shown?.mail.id)}
  </nav>
  <main>${shown ? renderMail(shown) : renderHint(mails.length)}</main>
</body>
</html>
`}`
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#4f6bed" d="M1 3h14v10H1z"/><path fill="none" stroke="#fff" stroke-width="1.5" d="m2 4 6 5 6-5"/></svg>`

function renderList(mails: readonly StoredMail[], shownId?: string): Html {
  const items = mails.map((mail) => {
    const current = mail.id === shownId ? html` aria-current="true"` : ''
    return html`<li><a href="/mails/${mail.id}"${current}>
      <span class="subject">${mail.subject || '(no subject)'}</span>
      <span class="to">${mail.to.join(', ')}</span>
      ${renderTime(mail.createdAt)}
    </a></li>`
  })
  return html`<ol>${items}</ol>`
}

/** In UTC, until the page's script converts it to the reader's time zone. */
function renderTime(time: Date): Html {
  const iso = time.toISOString()
  return html`<time datetime="${iso}">${iso.slice(11, 19)}</time>`
}

function renderEmpty({ url, apiKey }: PageState): Html {
  const command = `curl ${url}/emails \\
  -H 'Authorization: Bearer ${apiKey}' \\
  -H 'Content-Type: application/json' \\
  -d '{"from": "me@example.com",
    "to": "you@example.com",
    "subject": "Hello",
    "html": "<p>It works.</p>"}'`
  return html`<div class="empty">
    <p><strong>No emails yet.</strong> They appear here when they are sent. Try it:</p>
    <pre>${command}</pre>
  </div>`
}

function renderHint(count: number): Html {
  return html`<p class="hint">${count === 0 ? '' : 'Select an email to read it.'}</p>`
}

function renderMail({ mail, view }: { mail: StoredMail; view: View }): Html {
  const views: View[] = [
    ...(mail.html === null ? [] : (['html'] as const)),
    ...(mail.text === null ? [] : (['text'] as const)),
    'headers',
  ]
  const tabs = views.map((one) => {
    const current = one === view ? html` aria-current="page"` : ''
    return html`<a href="/mails/${mail.id}?view=${one}"${current}>${TAB_NAMES[one]}</a>`
  })
  return html`
  <a class="back" href="/">‹ All emails</a>
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
