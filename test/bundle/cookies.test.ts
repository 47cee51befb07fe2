import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { call, PASSWORD, type ServedBundle, serveBundle } from './served-bundle.ts'

type Frontend = { server: Server; origin: string; cookies: (string | undefined)[] }

/** Serves an empty page on a port of its own, and keeps the cookies that it gets. */
async function serveFrontend(): Promise<Frontend> {
  const cookies: Frontend['cookies'] = []
  const server = createServer(({ headers }, response) => {
    cookies.push(headers.cookie)
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Frontend</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, origin: `http://localhost:${port}`, cookies }
}

describeInChromium('refresh tokens in cookies', (launch) => {
  let bundle: ServedBundle
  let strict: ServedBundle
  let browser: Browser
  /** A frontend that is listed in CORS_ORIGINS, and one that is not. Both are on the site of `localhost`. */
  let app: Frontend
  let evil: Frontend

  beforeAll(async () => {
    ;[app, evil] = [await serveFrontend(), await serveFrontend()]
    browser = await launch()
    bundle = await serveBundle({ CORS_ORIGINS: app.origin })
    strict = await serveBundle({ CORS_ORIGINS: app.origin, COOKIE_SAME_SITE: 'strict' })
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all([bundle?.close(), strict?.close()])
    app?.server.close()
    evil?.server.close()
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

  async function register() {
    const username = `reader-${randomUUID().slice(0, 8)}`
    const account = { username, email: `${username}@example.com`, password: PASSWORD }
    const url = `${bundle.url}/api/users/register`
    expect((await call(url, { method: 'POST', body: account })).status).toBe(201)
    return { username, password: PASSWORD }
  }

  test.each([
    ['the same site', 'localhost'],
    ['another site, as a third party,', '127.0.0.1'],
  ])(
    'a frontend on %s logs in, reloads, refreshes and logs out, and its scripts see no refresh token',
    async (_, host) => {
      const users = `${at(host)}/api/users`
      const context = await profile()
      const page = await open(context, app)
      const login = await post(page, `${users}/login`, await register())
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
    const account = await register()
    expect((await post(page, `${users}/login`, account))?.status).toBe(200)
    const before = await context.cookies(users)

    const attacker = await open(context, evil)
    // To the browser all ports of a host are one site: it sends the cookie.
    expect(evil.cookies.join()).toContain('__Host-refresh_users=')
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
    const account = await register()
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
