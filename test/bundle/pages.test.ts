import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { call, PASSWORD, resetTokenFor, type ServedBundle, serveBundle } from './served-bundle.ts'

const CHROMIUM = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((file) => file && existsSync(file))

const PAGE_LIMIT_MS = 20_000

if (CHROMIUM) {
  describe(`pages in ${CHROMIUM}`, () => lookAtPages(CHROMIUM))
} else {
  test('no Chromium here, so nobody looks at the pages (install it, or set CHROMIUM_PATH)', () => {
    expect(CHROMIUM).toBeUndefined()
  })
}

function lookAtPages(executablePath: string) {
  let bundle: ServedBundle
  let browser: Browser

  beforeAll(async () => {
    // Chromium's sandbox refuses to run as root, as which CI often does.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    ;[bundle, browser] = await Promise.all([
      serveBundle(),
      chromium.launch({ executablePath, args }),
    ])
  })
  afterAll(async () => {
    await browser?.close()
    await bundle?.close()
  })

  /** Opens a page; `troubles` gathers script errors, violations of the CSP and foreign addresses. */
  async function open(path: string) {
    const page = await browser.newPage({ baseURL: bundle.url })
    page.setDefaultTimeout(PAGE_LIMIT_MS)
    onTestFinished(() => page.close())
    const troubles: string[] = []
    page.on('pageerror', (error) => troubles.push(error.message))
    page.on('console', (line) => line.type() === 'error' && troubles.push(line.text()))
    page.on('request', (request) => {
      const url = request.url()
      if (!/^(data|blob):/.test(url) && !url.startsWith(bundle.url)) troubles.push(`asked ${url}`)
    })
    await page.goto(path)
    return { page, troubles }
  }

  async function register() {
    const username = `reader-${randomUUID().slice(0, 8)}`
    const account = { username, email: `${username}@example.com`, password: PASSWORD }
    const { status, text } = await call(`${bundle.url}/api/users/register`, {
      method: 'POST',
      body: account,
    })
    expect(status, text).toBe(201)
    return account
  }

  async function signIn(
    page: Page,
    { username, password }: { username: string; password: string },
  ) {
    await page.getByLabel('Username or email').fill(username)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  test('/docs signs in and calls GET /api/users/me', async () => {
    const account = await register()
    const { page, troubles } = await open('/docs')
    await signIn(page, account)
    await page.getByText(`Signed in as ${account.username}`).waitFor()

    const operation = page.locator('#operations-Users-getUsersMe')
    await operation.locator('.opblock-summary-control').click()
    await operation.getByRole('button', { name: 'Execute' }).click()
    const answer = operation.locator('.live-responses-table .response').first()
    await answer.waitFor()
    expect(await answer.locator('.response-col_status').textContent()).toContain('200')
    expect(await answer.textContent()).toContain(account.email)
    expect(troubles).toEqual([])
  })

  test('/docs says so when the password is wrong', async () => {
    const { username } = await register()
    const { page } = await open('/docs')
    await signIn(page, { username, password: 'not this one' })
    await page.getByText('Invalid username or password').waitFor()
  })

  test('/redoc shows the calls of the API', async () => {
    const { page, troubles } = await open('/redoc')
    await page.getByRole('heading', { name: 'ADL Production API' }).waitFor()
    await page.getByText('/api/users/login').first().waitFor({ state: 'attached' })
    expect(troubles).toEqual([])
  })

  test('/reset-password sets a new password by the link of the mail, once', async () => {
    const { username, email } = await register()
    const asked = `${bundle.url}/api/password/forgot-password`
    expect((await call(asked, { method: 'POST', body: { email } })).status).toBe(200)
    const link = `/reset-password?token=${encodeURIComponent(await resetTokenFor(email))}`
    const chosen = `${PASSWORD}, chosen`

    const { page, troubles } = await open(link)
    expect(page.url()).toBe(`${bundle.url}/reset-password`)
    await page.getByLabel('New password', { exact: true }).fill(chosen)
    await page.getByLabel('New password again').fill(chosen)
    await page.getByRole('button', { name: 'Save the new password' }).click()
    await page.getByRole('heading', { name: 'Your password is changed' }).waitFor()
    expect(troubles).toEqual([])
    const login = await call(`${bundle.url}/api/users/login`, {
      method: 'POST',
      body: { username, password: chosen },
    })
    expect(login.status, login.text).toBe(200)

    const { page: second } = await open(link)
    await second.getByLabel('New password', { exact: true }).fill(`${chosen} again`)
    await second.getByLabel('New password again').fill(`${chosen} again`)
    await second.getByRole('button', { name: 'Save the new password' }).click()
    await second.getByRole('heading', { name: 'This link no longer works' }).waitFor()
  })
}
