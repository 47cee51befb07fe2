import type { IncomingMessage } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { type Frontend, serveFrontend } from './frontend.ts'
import { RATE_LIMIT_FACTOR, register, type ServedBundle, serveBundle } from './served-bundle.ts'

/** An empty page. */
const servePage = (onRequest: (request: IncomingMessage) => void = () => {}) =>
  serveFrontend((request, response) => {
    onRequest(request)
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Frontend</title>')
  })

describeInChromium('refresh tokens in cookies', (launch) => {
  let bundle: ServedBundle
  let strict: ServedBundle
  let browser: Browser
  /** A frontend that is listed in CORS_ORIGINS, and one that is not. Both are on the site of `localhost`. */
  let app: Frontend
  let evil: Frontend
  /** The cookies that the evil one gets. */
  const stray: (string | undefined)[] = []

  beforeAll(async () => {
    app = await servePage()
    evil = await servePage(({ headers }) => stray.push(headers.cookie))
    browser = await launch()
    const variables = { CORS_ORIGINS: app.origin, RATE_LIMIT_FACTOR }
    bundle = await serveBundle(variables)
    strict = await serveBundle({ ...variables, COOKIE_SAME_SITE: 'strict' })
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all([bundle?.close(), strict?.close()])
    app?.close()
    evil?.close()
  })

  /** The service by this name of the machine, which is its site. A cookie's host has no port. */
  const at = (host: string, { url }: ServedBundle = bundle) => {
    const service = new URL(url)
    service.hostname = host
    return service.origin
  }

  async function profile() {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    return context
  }

  async function open(context: BrowserContext, { origin }: Frontend) {
    const page = await context.newPage()
    await page.goto(`${origin}/`)
    return page
  }

  /** What a script of the page gets of a response: `undefined` if the browser keeps it from it. */
  type Seen = { status: number; body: Record<string, unknown>; headers: string[] } | undefined

  const post = (page: Page, url: string, body: object = {}, init: object = {}) =>
    page.evaluate<Seen>(`fetch(${JSON.stringify(url)}, {
      method: 'POST',
      credentials: 'include',
      headers: { 'Content-Type': 'application/json', 'X-Refresh-Token': 'cookie' },
      body: ${JSON.stringify(JSON.stringify(body))},
      ...${JSON.stringify(init)}
    }).then(async (response) => ({
      status: response.status,
      body: await response.json().catch(() => ({})),
      headers: [...response.headers.keys()],
    })).catch(() => undefined)`)

  test.each([
    ['the same site', 'localhost'],
    ['another site, as a third party,', '127.0.0.1'],
  ])(
    'a frontend on %s logs in, reloads, refreshes and logs out, and its scripts see no refresh token',
    async (_, host) => {
      const users = `${at(host)}/api/users`
      const context = await profile()
      const page = await open(context, app)
      const login = await post(page, `${users}/login`, await register(bundle.url))
      expect(login).toMatchObject({ status: 200, body: { token_type: 'bearer' } })
      expect(login?.body).not.toHaveProperty('refresh_token')
      expect(login?.headers).not.toContain('set-cookie')

      const [cookie] = await context.cookies(users)
      expect(cookie).toMatchObject({
        ...{ name: '__Host-refresh_users', domain: host, path: '/' },
        ...{ httpOnly: true, secure: true, sameSite: 'None', partitionKey: 'http://localhost' },
      })
      await page.reload()
      expect(await page.evaluate('document.cookie')).toBe('')
      for (let i = 0; i < 2; i++) {
        const refreshed = await post(page, `${users}/refresh`)
        expect(refreshed?.status).toBe(200)
        expect(refreshed?.body).not.toHaveProperty('refresh_token')
      }
      expect((await context.cookies(users)).map(({ value }) => value.split('.')[1])).toEqual(['2'])
      expect((await post(page, `${users}/logout`))?.status).toBe(204)
      expect(await context.cookies(users)).toEqual([])
      expect((await post(page, `${users}/refresh`))?.status).toBe(401)
    },
  )

  test('a page of an origin that is not listed can neither refresh nor log out with the cookie, though the browser sends it', async () => {
    const users = `${at('localhost')}/api/users`
    const context = await profile()
    const page = await open(context, app)
    const account = await register(bundle.url)
    expect((await post(page, `${users}/login`, account))?.status).toBe(200)
    const before = await context.cookies(users)

    const attacker = await open(context, evil)
    // To the browser all ports of a host are one site: it sends the cookie.
    expect(stray.join()).toContain('__Host-refresh_users=')
    const plain = { headers: { 'Content-Type': 'application/json' } }
    const simple = { mode: 'no-cors', headers: { 'Content-Type': 'text/plain' } }
    for (const act of ['refresh', 'logout']) {
      expect(await post(attacker, `${users}/${act}`)).toBeUndefined()
      expect(await post(attacker, `${users}/${act}`, {}, plain)).toBeUndefined()
      expect((await post(attacker, `${users}/${act}`, {}, simple))?.status).toBe(0)
    }
    expect(await post(attacker, `${users}/login`, account)).toBeUndefined()
    expect(await context.cookies(users)).toEqual(before)
    expect((await post(page, `${users}/refresh`))?.status).toBe(200)
    expect(bundle.logs().join('\n')).toContain(`"event":"origin_not_allowed"`)
  })

  test('after a change of COOKIE_SAME_SITE the browser holds one cookie, and nobody is signed out', async () => {
    const context = await profile()
    const page = await open(context, app)
    const account = await register(bundle.url)
    const [none, samesite] = [at('localhost'), at('localhost', strict)].map(
      (url) => `${url}/api/users`,
    )
    const held = async () =>
      (await context.cookies(`${none}`)).map(({ sameSite, partitionKey }) => [
        sameSite,
        partitionKey,
      ])

    expect((await post(page, `${samesite}/login`, account))?.status).toBe(200)
    expect(await held()).toEqual([['Strict', undefined]])
    for (let i = 0; i < 2; i++) expect((await post(page, `${none}/refresh`))?.status).toBe(200)
    expect(await held()).toEqual([['None', 'http://localhost']])
    for (let i = 0; i < 2; i++) expect((await post(page, `${samesite}/refresh`))?.status).toBe(200)
    expect(await held()).toEqual([['Strict', undefined]])
    expect((await post(page, `${none}/logout`))?.status).toBe(204)
    expect(await held()).toEqual([])
  })
})
