import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { PASSWORD } from './served-bundle.ts'
import { heading, respond, save, stateOf, testPages } from './served-pages.ts'

const RESET = '/api/v1/password/reset-password'
const CHECK = `${RESET}/check`
const CHOSEN = `${PASSWORD}, chosen`

testPages({ PASSWORD_MIN_LENGTH: '12', SIGN_IN_URL: 'https://app.acme.io/login' }, (site) => {
  /** The page with an open link, ready for a password. */
  async function ready() {
    const account = await site.forgetful()
    const { page } = await site.open(`/reset-password#token=${account.token}`)
    await expect.poll(() => page.getByLabel('Account').inputValue()).toBe(account.email)
    return { page, account }
  }

  const topOfButton = async (page: Page) =>
    (await page.getByRole('button', { name: /Chang/ }).boundingBox())?.y

  test('/reset-password says what is wrong beside the field, and nothing moves', async () => {
    const { page, account } = await ready()
    expect((await stateOf(page, 'password')).description).toContain('At least 12 characters')
    const top = await topOfButton(page)

    await save(page, 'too short')
    const short = { description: 'Use at least 12 characters.', invalid: 'true', focused: true }
    expect(await stateOf(page, 'password')).toEqual(short)
    expect(await topOfButton(page)).toBe(top)

    await save(page, CHOSEN, 'another')
    const differs = { description: 'The passwords do not match.', invalid: 'true', focused: true }
    expect(await stateOf(page, 'repeated')).toEqual(differs)
    expect(await stateOf(page, 'password')).toMatchObject({ description: 'Strong.', invalid: null })

    const problems = [
      ['112233445566', /most common passwords/],
      [account.username, /name of yours/],
      ['é'.repeat(40), /at most 72 characters/],
    ] as const
    for (const [password, words] of problems) {
      await save(page, password)
      await page.getByText(words).waitFor()
      expect(await stateOf(page, 'password')).toMatchObject({ invalid: 'true', focused: true })
      expect(await topOfButton(page)).toBe(top)
    }
    await save(page, CHOSEN)
    await heading(page, 'Password changed').waitFor()
    const signIn = page.getByRole('link', { name: 'Sign in' })
    expect(await signIn.getAttribute('href')).toBe('https://app.acme.io/login')
  })

  test.each([
    [
      '429',
      429,
      { retry_after: 700 },
      'Too many attempts from your network. Try again in 12 minutes.',
    ],
    ['503', 503, {}, 'This does not work at the moment. Try again in a minute.'],
    [
      '422 for a breached password',
      422,
      { errors: [{ field: 'new_password', message: '?', type: 'breached' }] },
      'This password is known from a data breach elsewhere. Choose another one.',
    ],
  ])(
    '/reset-password keeps what was typed when the response is %s, and it can be sent again',
    async (_, status, details, words) => {
      const { page } = await ready()
      await respond(page, RESET, status, details)
      await save(page, CHOSEN)
      await page.getByText(words).waitFor()
      expect(await page.getByLabel('Confirm new password').inputValue()).toBe(CHOSEN)
      await page.unrouteAll()
      await page.getByRole('button', { name: 'Change password' }).click()
      await heading(page, 'Password changed').waitFor()
    },
  )

  test('/reset-password says so while it is offline', async () => {
    const { page } = await ready()
    await page.context().setOffline(true)
    await save(page, CHOSEN)
    await page.getByRole('alert').getByText('You are offline.').waitFor()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Change password' }).click()
    await heading(page, 'Password changed').waitFor()
  })

  test('/reset-password offers to check the link again when it could not, and keeps it', async () => {
    const { email, token } = await site.forgetful()
    const { page } = await site.open('/reset-password')
    for (const [status, words] of [
      [503, 'This does not work at the moment.'],
      [429, 'Too many attempts from your network. Try again in a minute.'],
    ] as const) {
      await respond(page, CHECK, status, { retry_after: 9 })
      await page.evaluate(`location.assign('#token=${token}')`)
      await heading(page, 'Your link could not be checked').waitFor()
      await page.getByText(words).waitFor()
      await page.unrouteAll()
    }
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => page.getByLabel('Account').inputValue()).toBe(email)
  })

  test('/reset-password sends a password once, however often the button is pressed', async () => {
    const { page } = await ready()
    let sent = 0
    await page.route(`**${RESET}`, async (route) => {
      sent++
      await new Promise((resolve) => setTimeout(resolve, 500))
      await route.continue()
    })
    const width = (await page.locator('[type=submit]').boundingBox())?.width
    await save(page, CHOSEN)
    const button = page.getByRole('button', { name: 'Changing password…' })
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    expect((await button.boundingBox())?.width).toBe(width)
    await button.press('Enter')
    await button.click({ force: true })
    await heading(page, 'Password changed').waitFor()
    expect(sent).toBe(1)
  })

  test('/reset-password works by keyboard, and shows how strong a password is', async () => {
    const { page } = await ready()
    const { keyboard } = page
    const focused = () => page.evaluate('document.activeElement.id')
    await expect.poll(focused).toBe('password')
    for (const [typed, strength] of [
      ['abababababab', 'Weak.'],
      [' kettle moss', 'Good.'],
      [' lantern', 'Strong.'],
    ] as const) {
      await keyboard.type(typed)
      expect((await stateOf(page, 'password')).description).toContain(strength)
    }
    await keyboard.press('Tab')
    expect(await focused()).toBe('reveal')
    await keyboard.press('Space')
    const types = () => page.evaluate('[password, repeated].map((field) => field.type).join()')
    expect(await types()).toBe('text,text')
    await page.getByRole('button', { name: 'Hide passwords' }).waitFor()
    await keyboard.press('Space')
    expect(await types()).toBe('password,password')
    await keyboard.press('Tab')
    await keyboard.type('abababababab kettle moss lantern')
    await keyboard.press('Enter')
    await heading(page, 'Password changed').waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Password changed')
  })
})
