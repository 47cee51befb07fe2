import { type Html, html } from './html.ts'
import { pathOf, renderMail, type View } from './mail-view.ts'
import type { StoredMail } from './store.ts'

interface PageState {
  /** Those that are listed: all, or those that were found. */
  mails: readonly StoredMail[]
  /** How many there are. */
  total: number
  search: string
  /** The email that is open, and which tab. */
  shown?: { mail: StoredMail; view: View }
  /** For the example that is shown while there are no emails. */
  url: string
  apiKey: string
}

export function renderPage(state: PageState): string {
  const { mails, total, search, shown } = state
  const title = shown ? `${shown.mail.subject} · Mailbox` : `Mailbox (${total})`
  const count = mails.length < total ? `${mails.length} of ${total}` : total
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
    <span id="count" role="status">${count}<span class="unseen"> emails</span></span>
    <button id="clear" type="button"${total === 0 ? html` hidden` : ''}>Clear …</button>
    <form role="search">
      <input type="search" name="search" value="${search}" placeholder="Search" aria-label="Search emails"
        autocomplete="off" spellcheck="false">
    </form>
  </header>
  <nav id="list" aria-label="Emails">
    ${mails.length > 0 ? renderList(state) : total > 0 ? renderNothing(search) : renderEmpty(state)}
  </nav>
  <main>${shown ? renderMail(shown, search) : renderHint(mails.length)}</main>
  <dialog id="confirm" aria-labelledby="question">
    <form method="dialog">
      <p id="question">Delete all emails?</p>
      <p class="note">Also those that a search hides. This can’t be undone.</p>
      <button value="cancel" autofocus>Cancel</button>
      <button value="delete" class="danger">Delete all</button>
    </form>
  </dialog>
</body>
</html>
`}`
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#4f6bed" d="M1 3h14v10H1z"/><path fill="none" stroke="#fff" stroke-width="1.5" d="m2 4 6 5 6-5"/></svg>`

function renderList({ mails, search, shown }: PageState): Html {
  const items = mails.map((mail) => {
    const current = mail.id === shown?.mail.id ? html` aria-current="true"` : ''
    return html`<li><a href="${pathOf(`/mails/${mail.id}`, { search })}"${current}>
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

function renderNothing(search: string): Html {
  return html`<p class="empty">No email has “${search}” in an address, its subject or its text.</p>`
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
