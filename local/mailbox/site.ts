import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Mailbox } from './api.ts'
import { renderMailHtml, type View } from './mail-view.ts'
import { renderPage } from './page.ts'
import type { StoredMail } from './store.ts'

/** No other origins and no inline scripts, so that an email can't affect the page. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Emails can have styles, and images from anywhere, but no scripts. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline' https:; font-src https: data:; img-src http: https: data:; frame-ancestors 'self'"

const FILES = {
  '/page/style.css': { type: 'text/css', content: readPageFile('style.css') },
  '/page/live.js': { type: 'text/javascript', content: readPageFile('live.js') },
}

function readPageFile(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'page', name))
}

/**
 * Serves the page that shows the emails.
 *
 * @returns whether the request was for the page
 */
export function serveSite(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  mailbox: Mailbox,
): boolean {
  const { store, apiKey } = mailbox
  if (request.method === 'DELETE' && url.pathname === '/mails') {
    store.clear()
    response.writeHead(204).end()
    return true
  }
  if (request.method !== 'GET') return false

  if (url.pathname === '/events') {
    streamChanges(response, mailbox)
    return true
  }
  const search = url.searchParams.get('search') ?? ''
  const state = {
    ...{ mails: store.search(search), total: store.all().length, search },
    ...{ url: `http://${request.headers.host}`, apiKey },
  }
  if (url.pathname === '/') {
    sendPage(response, 200, renderPage(state))
    return true
  }
  const file = Object.entries(FILES).find(([path]) => path === url.pathname)?.[1]
  if (file) {
    response.writeHead(200, { 'content-type': `${file.type}; charset=utf-8` }).end(file.content)
    return true
  }
  const [, id, raw] = /^\/mails\/([^/]+)(\/html)?$/.exec(url.pathname) ?? []
  if (id === undefined) return false
  const mail = store.get(id)
  if (!mail) {
    sendPage(response, 404, renderPage(state))
  } else if (raw) {
    send(response, 200, renderMailHtml(mail), MAIL_POLICY)
  } else {
    const shown = { mail, view: viewOf(mail, url.searchParams.get('view')) }
    sendPage(response, 200, renderPage({ ...state, shown }))
  }
  return true
}

function viewOf(mail: StoredMail, requested: string | null): View {
  if (requested === 'headers') return 'headers'
  if (mail.html === null) return 'text'
  return requested === 'text' && mail.text !== null ? 'text' : 'html'
}

function sendPage(response: ServerResponse, status: number, page: string): void {
  send(response, status, page, PAGE_POLICY)
}

function send(response: ServerResponse, status: number, page: string, policy: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
  response.end(page)
}

/** Server-sent events: a `change` event when emails are added or deleted. */
function streamChanges(response: ServerResponse, { store }: Mailbox): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 1000\n\n')
  const unsubscribe = store.onChange(() => response.write('event: change\ndata:\n\n'))
  response.on('close', unsubscribe)
}
