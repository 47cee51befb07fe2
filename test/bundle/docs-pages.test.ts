import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { testPages } from './browser.ts'

testPages({}, (site) => {
  async function signIn(page: Page, username: string, password: string) {
    await page.getByLabel('Username or email').fill(username)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  test('/docs signs in and sends GET /api/users/me', async () => {
    const account = await site.register()
    const { page, problems } = await site.open('/docs')
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
    const { username } = await site.register()
    const { page } = await site.open('/docs')
    await signIn(page, username, 'not this one')
    await page.getByText('Invalid username or password').waitFor()
  })

  test('/redoc shows the operations of the API', async () => {
    const { page, problems } = await site.open('/redoc')
    await page.getByRole('heading', { name: 'Accounts API' }).waitFor()
    await page.getByText('/api/users/login').first().waitFor({ state: 'attached' })
    expect(problems).toEqual([])
  })
})
