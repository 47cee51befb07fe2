/** Two tabs of a frontend on an origin of its own, in Chromium, with the service as it is deployed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { type Frontend, serveFrontend } from './frontend.ts'
import { RATE_LIMIT_FACTOR, register, type ServedBundle, serveBundle } from './served-bundle.ts'

/** How long a refresh takes here, so that all tabs are certain to want one meanwhile. */
const REFRESH_MS = 500

const CLIENT = join(import.meta.dirname, '../../client/dist')

describeInChromium('tabs', (launch) => {
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
    /** A browser of one visitor. `refreshes` collects the bodies of refreshes on the wire. */
    async function newVisitor() {
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      const refreshes: (string | null)[] = []
      await context.route(`${bundle.url}/api/*/refresh`, async (route) => {
        if (route.request().method() === 'POST') {
          refreshes.push(route.request().postData())
          await new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
        }
        await route.continue()
      })
      return { context, refreshes }
    }

    async function openTab(context: BrowserContext): Promise<Page> {
      const page = await context.newPage()
      const query = new URLSearchParams({ url: bundle.url, tokens })
      await page.goto(`${frontend.origin}/app?${query}`)
      return page
    }

    async function signedInTab() {
      const visitor = await newVisitor()
      const { username, password } = await register(bundle.url)
      const account = { username, password }
      const tab = await openTab(visitor.context)
      await tab.evaluate(`accounts.loginUser(${JSON.stringify(account)})`)
      return { ...visitor, ...account, tab }
    }

    const usernameIn = (tab: Page) =>
      tab.evaluate<string>('accounts.getCurrentUser().then(({ username }) => username)')

    const currentIn = (tab: Page) => tab.evaluate<object | null>('accounts.user.current()')

    /** Makes the access token of all tabs expire. */
    const expire = (tab: Page) =>
      tab.evaluate(`for (const [name, text] of Object.entries(localStorage))
      localStorage[name] = JSON.stringify({ ...JSON.parse(text), expires: 0 })`)

    test('two tabs that need a refresh at once send one, and both stay signed in', async () => {
      const { tab, context, refreshes, username } = await signedInTab()
      const tabs = await Promise.all([openTab(context), openTab(context)])
      if (tokens === 'localStorage') await expire(tab)
      expect(refreshes).toEqual([])
      expect(await Promise.all(tabs.map(usernameIn))).toEqual([username, username])
      expect(refreshes).toHaveLength(1)
      // Each again, as nobody was signed out, and none of the tokens is an old one.
      expect(await Promise.all(tabs.map(usernameIn))).toEqual([username, username])
      expect(refreshes).toHaveLength(1)
    })

    test('fifty calls in each of two tabs send one refresh', async () => {
      const { tab, context, refreshes, username } = await signedInTab()
      const tabs = await Promise.all([openTab(context), openTab(context)])
      if (tokens === 'localStorage') await expire(tab)
      const fifty = `Promise.all(Array.from({ length: 50 }, () => accounts.user.accessToken()))
      .then((tokens) => new Set(tokens).size)`
      expect(await Promise.all(tabs.map((tab) => tab.evaluate(fifty)))).toEqual([1, 1])
      expect(refreshes).toHaveLength(1)
      expect(await Promise.all(tabs.map(usernameIn))).toEqual([username, username])
    })

    test('a tab whose refresh breaks off leaves the next one to the other tab', async () => {
      const { tab, context, refreshes, username } = await signedInTab()
      const [first, second] = await Promise.all([openTab(context), openTab(context)])
      if (tokens === 'localStorage') await expire(tab)
      const broken = first.evaluate('accounts.user.accessToken()').catch(() => undefined)
      await expect.poll(() => refreshes.length).toBe(1)
      const waiting = usernameIn(second)
      await first.close()
      await broken
      expect(await waiting).toBe(username)
      expect(refreshes).toHaveLength(2)
    })

    test('a reload keeps the account signed in', async () => {
      const { tab, refreshes, username } = await signedInTab()
      const account = await currentIn(tab)
      expect(account).toEqual({ id: expect.any(Number), role: 'user' })
      await tab.reload()
      expect(await currentIn(tab)).toEqual(account)
      expect(await usernameIn(tab)).toBe(username)
      expect(refreshes).toHaveLength(tokens === 'cookie' ? 1 : 0)
    })

    test('signing out in one tab signs out the other, and tells its subscribers', async () => {
      const { tab, context } = await signedInTab()
      const other = await openTab(context)
      await other.evaluate(`globalThis.seen = []
      accounts.user.subscribe(() => seen.push(accounts.user.current()))`)
      await usernameIn(other)
      await tab.evaluate('accounts.logoutUser()')
      await other.waitForFunction('seen.length > 0')
      expect(await other.evaluate('seen')).toEqual([null])
      expect(await other.evaluate('accounts.getCurrentUser().catch(({ status }) => status)')).toBe(
        401,
      )
      await other.reload()
      expect(await currentIn(other)).toBeNull()
    })

    test('signing in as somebody else in one tab does so in the other', async () => {
      const { tab, context } = await signedInTab()
      const other = await openTab(context)
      const before = await currentIn(other)
      await usernameIn(other)
      const { username, password } = await register(bundle.url)
      await tab.evaluate(`accounts.loginUser(${JSON.stringify({ username, password })})`)
      await expect.poll(() => currentIn(other)).not.toEqual(before)
      expect(await usernameIn(other)).toBe(username)
    })

    test('scripts find the refresh token in localStorage only where it is kept there', async () => {
      const { tab, context } = await signedInTab()
      const stored = await tab.evaluate<string>('JSON.stringify(localStorage) + document.cookie')
      const cookies = await context.cookies(bundle.url)
      if (tokens === 'localStorage') {
        expect(stored).toContain('refresh')
        expect(cookies).toEqual([])
      } else {
        expect(cookies).toMatchObject([
          { name: '__Host-refresh_users', httpOnly: true, secure: true, sameSite: 'None' },
        ])
        expect(stored).not.toContain(cookies[0]?.value)
        expect(JSON.parse(Object.values<string>(JSON.parse(stored))[0] ?? '')).toEqual({
          account: await currentIn(tab),
        })
      }
    })
  })
})

/** A page with a client, at `localhost`: another site than the service, which is at 127.0.0.1. */
const serveApp = () => {
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
