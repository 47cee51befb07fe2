import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { paleTexts } from './contrast.ts'
import { testPages } from './served-pages.ts'

const SCHEMES = ['light', 'dark'] as const
const SIZES = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
]

const VIEWS = SCHEMES.flatMap((colorScheme) =>
  SIZES.map((viewport) => ({ colorScheme, viewport, width: viewport.width })),
)

/** Whether the page scrolls sideways. */
const isTooWide = (page: Page) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')

testPages({}, (site) => {
  async function signIn(page: Page, username: string, password: string) {
    await page.getByLabel('Username or email').fill(username)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  test('/docs signs in and sends GET /api/v1/users/me', async () => {
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

  test.each([
    ['getCurrentUser', '/api/v1/users/me'],
    ['getHealth', '/health'],
  ])('/docs sends %s to %s', async (operationId, path) => {
    const { page } = await site.open('/docs')
    const operation = page.locator(`[id$=-${operationId}]`)
    await operation.locator('.opblock-summary-control').click()
    const sent = page.waitForRequest((request) => request.resourceType() === 'fetch')
    await operation.getByRole('button', { name: 'Execute' }).click()
    expect((await sent).url()).toBe(`${site.url}${path}`)
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
    await page.getByText('/users/login').first().waitFor({ state: 'attached' })
    expect(problems).toEqual([])
  })

  test.each(VIEWS)(
    '/docs can be read in $colorScheme at $width px: 4.5:1 (WCAG 1.4.3), and no sideways scroll',
    async ({ colorScheme, viewport }) => {
      const { page, problems } = await site.open('/docs', { colorScheme, viewport })
      for (const id of ['registerUser', 'listUsers', 'deleteUser']) {
        const operation = page.locator(`[id$=-${id}]`)
        await operation.locator('.opblock-summary-control').click()
        await operation.getByRole('button', { name: 'Execute' }).waitFor()
      }
      expect(await paleTexts(page)).toEqual([])
      expect(await isTooWide(page)).toBe(false)
      await page.getByRole('button', { name: 'Authorize' }).click()
      await page.getByRole('heading', { name: 'Available authorizations' }).waitFor()
      expect(await paleTexts(page)).toEqual([])
      expect(await page.getByText('see the console').count()).toBe(0)
      expect(problems).toEqual([])
    },
  )

  test.each(VIEWS)(
    '/redoc can be read in $colorScheme at $width px: 4.5:1 (WCAG 1.4.3), and no sideways scroll',
    async ({ colorScheme, viewport }) => {
      const { page, problems } = await site.open('/redoc', { colorScheme, viewport })
      await page.getByText('/users/login').first().waitFor({ state: 'attached' })
      await page.getByRole('button', { name: '422' }).first().click()
      expect(await paleTexts(page)).toEqual([])
      expect(await isTooWide(page)).toBe(false)
      expect(problems).toEqual([])
    },
  )

  test('/docs asks for the bearer token first, and not for cookies', async () => {
    const { page } = await site.open('/docs')
    await page.getByRole('button', { name: 'Authorize' }).click()
    const dialog = page.locator('.dialog-ux')
    await dialog.getByText('bearerAuth').waitFor()
    expect(await dialog.locator('h4 code').allTextContents()).toEqual([
      'bearerAuth',
      'metricsToken',
      'bootstrapToken',
    ])
    await page.waitForFunction(
      "document.activeElement === document.querySelector('.dialog-ux input')",
    )
  })

  test.each(['/docs', '/redoc'])(
    '%s has the name of the product, and links to the others',
    async (path) => {
      const { page } = await site.open(path)
      const navigation = page.getByRole('navigation', { name: 'Documentation' })
      expect(await navigation.locator('[data-project-name]').textContent()).toBe('ADL Production')
      const links = await navigation.getByRole('link').all()
      const targets = await Promise.all(links.map((link) => link.getAttribute('href')))
      expect(targets).toEqual(['/', '/docs', '/redoc', '/openapi.json'])
    },
  )
})
