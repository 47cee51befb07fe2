import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { describeInChromium } from './chromium.ts'
import {
  call,
  mailTo,
  PASSWORD,
  resetTokenFor,
  type ServedBundle,
  serveBundle,
} from './served-bundle.ts'

const PAGE_LIMIT_MS = 20_000

describeInChromium('pages', (launch) => {
  let bundle: ServedBundle
  let browser: Browser

  beforeAll(async () => {
    ;[bundle, browser] = await Promise.all([serveBundle(), launch()])
  })
  afterAll(async () => {
    await browser?.close()
    await bundle?.close()
  })

  /** Opens a page. `problems` collects script errors, CSP violations and requests to other origins. */
  async function open(path: string) {
    const page = await browser.newPage({ baseURL: bundle.url })
    page.setDefaultTimeout(PAGE_LIMIT_MS)
    onTestFinished(() => page.close())
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (line) => line.type() === 'error' && problems.push(line.text()))
    page.on('request', (request) => {
      const url = request.url()
      if (!/^(data|blob):/.test(url) && !url.startsWith(bundle.url))
        problems.push(`requested ${url}`)
    })
    await page.goto(path)
    return { page, problems }
  }

  const post = async (path: string, body: object) =>
    (await call(bundle.url + path, { method: 'POST', body })).status

  async function register() {
    const username = `reader-${randomUUID().slice(0, 8)}`
    const account = { username, email: `${username}@example.com`, password: PASSWORD }
    expect(await post('/api/users/register', account)).toBe(201)
    return account
  }

  async function signIn(page: Page, username: string, password: string) {
    await page.getByLabel('Username or email').fill(username)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  test('/docs signs in and sends GET /api/users/me', async () => {
    const account = await register()
    const { page, problems } = await open('/docs')
    await signIn(page, account.username, account.password)
    await page.getByText(`Signed in as ${account.username}`).waitFor()

    const operation = page.locator('[id$=-getCurrentUser]')
    await operation.locator('.opblock-summary-control').click()
    await operation.getByRole('button', { name: 'Execute' }).click()
    const response = operation.locator('.live-responses-table .response').first()
    await response.waitFor()
    expect(await response.locator('.response-col_status').textContent()).toContain('200')
    expect(await response.textContent()).toContain(account.email)
    expect(problems).toEqual([])
  })

  test('/docs shows the error for a wrong password', async () => {
    const { username } = await register()
    const { page } = await open('/docs')
    await signIn(page, username, 'not this one')
    await page.getByText('Invalid username or password').waitFor()
  })

  test('/redoc shows the operations of the API', async () => {
    const { page, problems } = await open('/redoc')
    await page.getByRole('heading', { name: 'ADL Production API' }).waitFor()
    await page.getByText('/api/users/login').first().waitFor({ state: 'attached' })
    expect(problems).toEqual([])
  })

  async function save(on: Page, password: string) {
    await on.getByLabel('New password', { exact: true }).fill(password)
    await on.getByLabel('Confirm new password').fill(password)
    await on.getByRole('button', { name: 'Change password' }).click()
  }

  /** The URL as scripts see it, and the history before the page. */
  const address = (page: Page) =>
    page.evaluate<{ url: string; entries: number }>(
      '({ url: location.href, entries: history.length })',
    )

  test.each([
    ['#token=…', (token: string) => `#token=${token}`],
    ['?token=…, as in older emails,', (token: string) => `?token=${token}`],
    ['?token=…#x, which is one with something appended,', (token: string) => `?token=${token}#x?`],
    [
      '?token=…#token=…, which has two,',
      (token: string) => `?token=old&account=admin#token=${token}`,
    ],
  ])('/reset-password%s sets a new password with its token, once', async (_, withToken) => {
    const { username, email } = await register()
    expect(await post('/api/password/forgot-password', { email })).toBe(200)
    const link = `/reset-password${withToken(encodeURIComponent(await resetTokenFor(email)))}`
    const chosen = `${PASSWORD}, chosen`

    const { page, problems } = await open(link)
    await page.getByRole('heading', { name: 'Choose a new password' }).waitFor()
    // `about:blank` and this page: the link is not in the history either.
    expect(await address(page)).toEqual({ url: `${bundle.url}/reset-password`, entries: 2 })
    await save(page, chosen)
    await page.getByRole('heading', { name: 'Your password was changed' }).waitFor()
    expect(problems).toEqual([])
    expect(await post('/api/users/login', { username, password: chosen })).toBe(200)

    const { page: second } = await open(link)
    await save(second, `${chosen} again`)
    await second.getByRole('heading', { name: 'This link no longer works' }).waitFor()
  })

  test('/reset-password#token=… sends the token in the body of one request, and in no URL', async () => {
    const { page } = await open('/reset-password')
    await page.getByRole('heading', { name: 'This link is incomplete' }).waitFor()
    const requests: string[] = []
    page.on('request', (request) => requests.push(`${request.method()} ${request.url()}`))
    // As when a link is pasted into the address bar of this page: nothing is loaded.
    await page.evaluate("location.assign('#token=canary.canary')")
    await save(page, PASSWORD)
    await page.getByRole('heading', { name: 'This link no longer works' }).waitFor()
    const sent = requests.filter((request) => !request.endsWith('/assets/favicon.svg'))
    expect(sent).toEqual([`POST ${bundle.url}/api/password/reset-password`])
    expect((await address(page)).url).toBe(`${bundle.url}/reset-password`)
  })

  test('/reset-password with the link of an admin’s email sets the password of the admin', async () => {
    const username = `keeper-${randomUUID().slice(0, 8)}`
    const account = { username, email: `${username}@example.com` }
    const database = new pg.Client({ connectionString: inject('world').bindings['DATABASE_URL'] })
    await database.connect()
    await database.query('insert into admins (username, email) values ($1, $2)', [
      account.username,
      account.email,
    ])
    await database.end()
    expect(await post('/api/admins/forgot-password', { email: account.email })).toBe(200)
    const { text } = await mailTo(account.email, /Reset/)
    const link = new URL(/https:\S+\/reset-password#\S+/.exec(text)?.[0] ?? '')

    const { page, problems } = await open(link.pathname + link.hash)
    await save(page, `${PASSWORD}, chosen`)
    await page.getByRole('heading', { name: 'Your password was changed' }).waitFor()
    expect(problems).toEqual([])
    const login = { username, password: `${PASSWORD}, chosen` }
    expect(await post('/api/admins/login', login)).toBe(200)
  })
})
