/** Tabs of a frontend on an origin of its own, with the service as it is deployed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { type Frontend, serveFrontend } from './frontend.ts'
import { RATE_LIMIT_FACTOR, register, type ServedBundle, serveBundle } from './served-bundle.ts'

const CLIENT = join(import.meta.dirname, '../../client/dist')

export type Tabs = ReturnType<typeof tabsOf>

/** Defines tests once for each place where tabs share tokens. */
export function testTabs(what: string, define: (tabs: Tabs) => void) {
  describeInChromium(what, (launch) => {
    let frontend: Frontend
    let bundle: ServedBundle
    let browser: Browser

    beforeAll(async () => {
      frontend = await serveApp()
      ;[bundle, browser] = await Promise.all([
        serveBundle({ CORS_ORIGINS: frontend.origin, RATE_LIMIT_FACTOR }),
        launch(),
      ])
    })
    afterAll(async () => {
      frontend?.close()
      await browser?.close()
      await bundle?.close()
    })

    describe.each(['localStorage', 'cookie'] as const)("tokens: '%s'", (tokens) => {
      define(tabsOf(tokens, () => ({ browser, origin: frontend.origin, url: bundle.url })))
    })
  })
}

type Served = { browser: Browser; origin: string; url: string }

/** @param tokens where the client keeps them */
function tabsOf(tokens: 'localStorage' | 'cookie', served: () => Served) {
  /** A browser of one visitor. */
  async function newContext() {
    const context = await served().browser.newContext()
    onTestFinished(() => context.close())
    return context
  }

  /** Lets `handle` answer the calls of a path. Preflights go through. */
  const intercept = (context: BrowserContext, path: string, handle: (route: Route) => unknown) =>
    context.route(`${served().url}${path}`, (route) =>
      route.request().method() === 'OPTIONS' ? route.continue() : handle(route),
    )

  async function open(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    const query = new URLSearchParams({ url: served().url, tokens })
    await page.goto(`${served().origin}/app?${query}`)
    return page
  }

  async function newAccount() {
    const { username, password } = await register(served().url)
    return { username, password }
  }

  const logIn = (tab: Page, { username, password }: { username: string; password: string }) =>
    tab.evaluate(`accounts.loginUser(${JSON.stringify({ username, password })})`)

  return {
    tokens,
    newContext,
    intercept,
    open,
    register: newAccount,
    logIn,

    async signedInTab() {
      const context = await newContext()
      const account = await newAccount()
      const tab = await open(context)
      await logIn(tab, account)
      return { ...account, context, tab }
    },

    usernameIn: (tab: Page) =>
      tab.evaluate<string>('accounts.getCurrentUser().then(({ username }) => username)'),

    currentIn: (tab: Page) => tab.evaluate<object | null>('accounts.user.current()'),

    cookies: (context: BrowserContext) => context.cookies(served().url),

    /** The access token expires, in all tabs. In cookie mode a tab that has just been opened has none. */
    async expire(tab: Page) {
      if (tokens === 'cookie') return
      await tab.evaluate(`for (const [name, text] of Object.entries(localStorage))
        localStorage[name] = JSON.stringify({ ...JSON.parse(text), expires: 0 })`)
    },
  }
}

/** A page with a client, at `localhost`: another site than the service, which is at 127.0.0.1. */
function serveApp() {
  const page = `<!doctype html><title>Frontend</title><script type="module">
    import { createClient } from '/client/index.js'
    const options = Object.fromEntries(new URLSearchParams(location.search))
    globalThis.accounts = createClient(options)
  </script>`
  return serveFrontend(async ({ url = '' }, response) => {
    const [, file] = /^\/client\/(\w+\.js)$/.exec(url) ?? []
    response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html')
    response.end(file ? await readFile(join(CLIENT, file)) : page)
  })
}
