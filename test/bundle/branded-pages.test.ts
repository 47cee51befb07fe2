import { expect, test } from 'vitest'
import { heading, testPages } from './served-pages.ts'

const LOGO_URL = 'https://cdn.acme.io/logo.svg'
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>'
const VIEWS = [1280, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
)

testPages({ PROJECT_NAME: 'Acme', BRAND_COLOR: '#ffd400', LOGO_URL }, (site) => {
  test.each(VIEWS)(
    'pages have the logo and the color at $width px, $colorScheme, and fit',
    async ({ width, colorScheme }) => {
      const options = { colorScheme, viewport: { width, height: 700 } }
      const { page } = await site.open('about:blank', options)
      const refused: string[] = []
      page.on('console', (line) => line.type() === 'error' && refused.push(line.text()))
      await page.route(LOGO_URL, (route) =>
        route.fulfill({ contentType: 'image/svg+xml', body: LOGO }),
      )
      for (const path of ['/reset-password', '/forgot-password']) {
        await page.goto(path)
        await page.locator('h1:visible').waitFor()
        const seen = await page.evaluate<object>(`(() => {
        const logo = document.querySelector('[data-logo]')
        const button = getComputedStyle(document.querySelector('.button'))
        return {
          logo: logo.complete && logo.naturalWidth > 0 && logo.height,
          button: [button.backgroundColor, button.color],
          link: getComputedStyle(document.querySelector('.link')).color,
          fits: document.documentElement.scrollWidth <= innerWidth,
        }
      })()`)
        expect(seen).toEqual({
          logo: 32,
          button: ['rgb(255, 212, 0)', 'rgb(0, 0, 0)'],
          link: colorScheme === 'dark' ? 'rgb(255, 212, 0)' : 'rgb(127, 106, 0)',
          fits: true,
        })
      }
      expect(refused).toEqual([])
    },
  )

  test('a page may load an image of no other origin', async () => {
    const { page, problems } = await site.open('/forgot-password')
    await page.evaluate(
      "document.body.append(Object.assign(new Image(), { src: 'https://evil.example/x.png' }))",
    )
    await expect.poll(() => problems.join()).toMatch(/evil\.example.*Content Security Policy/)
  })

  test('nothing turns for who prefers reduced motion', async () => {
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      const { page } = await site.open('/forgot-password', { reducedMotion })
      await page.route('**/api/v1/password/reset-password/check', () => {})
      await page.goto('/reset-password#token=x.y')
      await page.getByPlaceholder('Checking your link…').waitFor()
      const animation = await page.evaluate(
        "getComputedStyle(document.getElementById('initial')).animationName",
      )
      expect(animation).toBe(reducedMotion === 'reduce' ? 'none' : 'turn')
    }
  })

  test.each([
    ['/reset-password#token=x.y', 'Choose a new password'],
    ['/forgot-password', 'Reset your password'],
  ])('%s says that it requires JavaScript', async (path, title) => {
    const { page } = await site.open(path, { javaScriptEnabled: false })
    await heading(page, title).waitFor()
    await page.locator('noscript p').waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
    expect(await page.getByText('Acme').count()).toBe(1)
  })
})
