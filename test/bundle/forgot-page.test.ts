import { expect, test } from 'vitest'
import { resetTokenFor } from './served-bundle.ts'
import { heading, respond, stateOf, testPages } from './served-pages.ts'

const FORGOT = '/api/v1/password/forgot-password'

testPages({ PROJECT_NAME: 'Acme <b>&</b>', FRONTEND_URL: 'https://app.acme.io' }, (site) => {
  test('/forgot-password sends a link, and says the same of an address that has no account', async () => {
    const { email } = await site.register()
    const { page, problems } = await site.open('/forgot-password')
    const said: string[] = []
    for (const address of [email, 'nobody@example.com']) {
      await page.getByLabel('Email address').fill(` ${address} `)
      await page.getByRole('button', { name: 'Send me a link' }).click()
      await heading(page, 'Check your email').waitFor()
      const words = (await page.locator('#sent').textContent()) ?? ''
      expect(words).toContain(address)
      said.push(words.replace(address, '…'))
      await page.getByRole('button', { name: 'Use another address' }).click()
    }
    expect(new Set(said).size).toBe(1)
    expect(await resetTokenFor(email)).toContain('.')
    expect(problems).toEqual([])
    expect(await page.title()).toBe('Reset your password · Acme <b>&</b>')
    const back = page.getByRole('link', { name: 'Back to sign in' })
    expect(await back.getAttribute('href')).toBe('https://app.acme.io')
  })

  test('/forgot-password says beside the field that something is no email address', async () => {
    const { page } = await site.open('/forgot-password')
    for (const [typed, description] of [
      ['', 'Enter the email address of your account.'],
      ['ada', 'Enter an address like name@example.com.'],
      ['ada@localhost', 'Enter an address like name@example.com.'],
    ] as const) {
      await page.getByLabel('Email address').fill(typed)
      await page.getByLabel('Email address').press('Enter')
      await page.getByText(description).waitFor()
      expect(await stateOf(page, 'email')).toEqual({ description, invalid: 'true', focused: true })
    }
    await page.getByLabel('Email address').press('End')
    await page.keyboard.type('x')
    expect(await stateOf(page, 'email')).toMatchObject({ description: '', invalid: null })
  })

  test.each([
    [429, { retry_after: 3000 }, 'Too many attempts from your network. Try again in 50 minutes.'],
    [503, {}, 'This does not work at the moment. Try again in a minute.'],
  ])(
    '/forgot-password keeps the address when the response is %i',
    async (status, details, words) => {
      const { page } = await site.open('/forgot-password#email=ada@example.com')
      expect(page.url()).toBe(`${site.url}/forgot-password`)
      await respond(page, FORGOT, status, details)
      await page.getByRole('button', { name: 'Send me a link' }).click()
      await page.getByRole('alert').getByText(words).waitFor()
      expect(await page.getByLabel('Email address').inputValue()).toBe('ada@example.com')
    },
  )

  test('/forgot-password#account=admin asks for the link of an admin, also after a reload', async () => {
    const { page } = await site.open('/forgot-password#account=admin&email=ada@example.com')
    await page.getByText('of your admin account').waitFor()
    expect(page.url()).toBe(`${site.url}/forgot-password#account=admin`)
    await page.reload()
    await page.getByText('of your admin account').waitFor()
    const sent = page.waitForRequest((request) => request.method() === 'POST')
    await page.getByLabel('Email address').fill('nobody@example.com')
    await page.getByRole('button', { name: 'Send me a link' }).click()
    expect((await sent).url()).toBe(`${site.url}/api/v1/admins/forgot-password`)
    await heading(page, 'Check your email').waitFor()
  })
})
