/** The pages of the bundle in a real Chromium. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { describeInChromium } from './chromium.ts'
import {
  call,
  freshAddress,
  register,
  resetTokenFor,
  type ServedBundle,
  serveBundle,
} from './served-bundle.ts'

const PAGE_LIMIT_MS = 20_000

export type Site = ReturnType<typeof siteOf>

/** Serves the bundle with these variables, and tests its pages; without Chromium, says that it doesn't. */
export function testPages(variables: Record<string, string>, define: (site: Site) => void) {
  describeInChromium('pages', (launch) => {
    let bundle: ServedBundle
    let browser: Browser

    beforeAll(async () => {
      ;[bundle, browser] = await Promise.all([serveBundle(variables), launch()])
    })
    afterAll(async () => {
      await browser?.close()
      await bundle?.close()
    })
    define(siteOf(() => ({ url: bundle.url, browser })))
  })
}

const siteOf = (served: () => { url: string; browser: Browser }) => ({
  get url() {
    return served().url
  },

  /** Opens a page. `problems` collects script errors, CSP violations and requests to other origins. */
  async open(path: string, options: BrowserContextOptions = {}) {
    const { url: baseURL, browser } = served()
    const context = await browser.newContext({
      ...{ baseURL, extraHTTPHeaders: freshAddress() },
      ...options,
    })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(PAGE_LIMIT_MS)
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (line) => line.type() === 'error' && problems.push(line.text()))
    page.on('request', (request) => {
      const url = request.url()
      if (!/^(data|blob):/.test(url) && !url.startsWith(baseURL)) problems.push(`requested ${url}`)
    })
    await page.goto(path)
    return { page, problems }
  },

  async post(path: string, body: object) {
    return (await call(served().url + path, { method: 'POST', body, headers: freshAddress() }))
      .status
  },

  register: () => register(served().url),

  /** A user who has requested a reset link, and its token as a URL has it. */
  async forgetful() {
    const account = await this.register()
    expect(await this.post('/api/password/forgot-password', { email: account.email })).toBe(200)
    return { ...account, token: encodeURIComponent(await resetTokenFor(account.email)) }
  },
})

/** The calls of a page to one path get this response in place of the service's. */
export const respond = (page: Page, path: string, status: number, details: object = {}) =>
  page.route(
    (url) => url.pathname === path,
    (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            status,
            contentType: 'application/json',
            body: JSON.stringify({ message: 'An unexpected error occurred', details }),
          })
        : route.continue(),
  )

export const heading = (page: Page, name: string) => page.getByRole('heading', { name })

/** Types a new password twice, and sends it. */
export async function save(on: Page, password: string, repeated = password) {
  await on.getByLabel('New password', { exact: true }).fill(password)
  await on.getByLabel('Confirm new password').fill(repeated)
  await on.getByRole('button', { name: 'Change password' }).click()
}

/** What a screen reader says of a field besides its label, and whether it is marked as wrong and focused. */
export const stateOf = (page: Page, id: string) =>
  page.evaluate<{ description: string; invalid: string | null; focused: boolean }>(`(() => {
    const input = document.getElementById('${id}')
    const description = document.getElementById(input.getAttribute('aria-describedby')).textContent
    const invalid = input.getAttribute('aria-invalid')
    return { description, invalid, focused: document.activeElement === input }
  })()`)
