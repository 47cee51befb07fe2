import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { mailTo, newAccount, PASSWORD, sql } from './served-bundle.ts'
import { heading, save, testPages } from './served-pages.ts'

const CHOSEN = `${PASSWORD}, chosen`

testPages({ PROJECT_NAME: 'Acme', FRONTEND_URL: '' }, (site) => {
  /** The URL as scripts see it, the history before the page, and what is kept for the tab. */
  const traces = (page: Page) =>
    page.evaluate<{ url: string; entries: number; kept: number }>(
      '({ url: location.href, entries: history.length, kept: sessionStorage.length })',
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
    const { username, email, token } = await site.forgetful()
    const link = `/reset-password${withToken(token)}`

    const { page, problems } = await site.open(link)
    await heading(page, 'Choose a new password').waitFor()
    // `about:blank` and this page: the link is not in the history either.
    expect(await traces(page)).toMatchObject({ url: `${site.url}/reset-password`, entries: 2 })
    await save(page, CHOSEN)
    await heading(page, 'Password changed').waitFor()
    expect(await page.title()).toBe('Password changed · Acme')
    expect(await page.getByText('You can close this page.').isVisible()).toBe(true)
    expect((await traces(page)).kept).toBe(0)
    expect(problems).toEqual([])
    expect(await site.post('/api/users/login', { username, password: CHOSEN })).toBe(200)

    const { page: second } = await site.open(link)
    await heading(second, 'This link no longer works').waitFor()
    expect(await second.getByLabel('New password', { exact: true }).isVisible()).toBe(false)
    expect((await traces(second)).kept).toBe(0)
    // Nobody is told whose link it was.
    expect(await second.content()).not.toContain(email)
  })

  test('/reset-password names the product and the account, and is ready for a password manager', async () => {
    const { email, token } = await site.forgetful()
    const { page } = await site.open(`/reset-password#token=${token}`)
    const account = page.getByLabel('Account')
    await expect.poll(() => account.inputValue()).toBe(email)
    expect(await account.getAttribute('autocomplete')).toBe('username')
    expect(await account.isEditable()).toBe(false)
    expect(await page.getByRole('banner').textContent()).toBe('Acme')
    expect(await page.title()).toBe('Choose a new password · Acme')
    for (const label of ['New password', 'Confirm new password']) {
      const field = page.getByLabel(label, { exact: true })
      expect(await field.getAttribute('autocomplete')).toBe('new-password')
    }
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('password')
  })

  test('a reload of /reset-password keeps the link for the tab, and for no other', async () => {
    const { email, token } = await site.forgetful()
    const { page } = await site.open(`/reset-password#token=${token}`)
    const account = page.getByLabel('Account')
    await expect.poll(() => account.inputValue()).toBe(email)
    await page.reload()
    await expect.poll(() => account.inputValue()).toBe(email)
    expect((await traces(page)).url).toBe(`${site.url}/reset-password`)

    const other = await page.context().newPage()
    await other.goto('/reset-password')
    await heading(other, 'This link is incomplete').waitFor()

    await save(page, CHOSEN)
    await heading(page, 'Password changed').waitFor()
    await page.reload()
    await heading(page, 'This link is incomplete').waitFor()
  })

  test('another link opened on /reset-password replaces the first, and clears what was typed', async () => {
    const [first, second] = [await site.forgetful(), await site.forgetful()]
    const { page } = await site.open(`/reset-password#token=${first.token}`)
    const account = page.getByLabel('Account')
    await expect.poll(() => account.inputValue()).toBe(first.email)
    await page.getByLabel('New password', { exact: true }).fill(CHOSEN)
    // As when a link is pasted into the address bar of this page: nothing is loaded.
    await page.evaluate(`location.assign('#token=${second.token}')`)
    await expect.poll(() => account.inputValue()).toBe(second.email)
    expect(await page.getByLabel('New password', { exact: true }).inputValue()).toBe('')
    await page.reload()
    await expect.poll(() => account.inputValue()).toBe(second.email)
    // A link without a token is none: the one before it is not meant.
    await page.evaluate("location.assign('#token=')")
    await heading(page, 'This link is incomplete').waitFor()
    expect((await traces(page)).kept).toBe(0)
  })

  test('/reset-password#token=… sends the token in the body of one request, and in no URL', async () => {
    const { page } = await site.open('/reset-password')
    await heading(page, 'This link is incomplete').waitFor()
    const requests: string[] = []
    page.on('request', (request) => requests.push(`${request.method()} ${request.url()}`))
    await page.evaluate("location.assign('#token=canary.canary')")
    await heading(page, 'This link no longer works').waitFor()
    const sent = requests.filter((request) => !request.endsWith('/assets/favicon.svg'))
    expect(sent).toEqual([`POST ${site.url}/api/v1/password/reset-password/check`])
    expect(await traces(page)).toMatchObject({ url: `${site.url}/reset-password`, kept: 0 })
  })

  test('a link that dies while a password is typed leads to a new one, for the same address', async () => {
    const { email, token } = await site.forgetful()
    const { page } = await site.open(`/reset-password#token=${token}`)
    await expect.poll(() => page.getByLabel('Account').inputValue()).toBe(email)
    const used = { token: decodeURIComponent(token), new_password: 'a different horse' }
    expect(await site.post('/api/password/reset-password', used)).toBe(200)
    await save(page, CHOSEN)
    await heading(page, 'This link no longer works').waitFor()
    await page.getByRole('link', { name: 'Send me a new link' }).click()
    await heading(page, 'Reset your password').waitFor()
    expect(await page.getByLabel('Email address').inputValue()).toBe(email)
    expect((await traces(page)).url).toBe(`${site.url}/forgot-password`)
  })

  test('/reset-password with the link of an admin’s email sets the password of the admin', async () => {
    const { username, email } = newAccount()
    await sql('insert into admins (username, email) values ($1, $2)', [username, email])
    expect(await site.post('/api/admins/forgot-password', { email })).toBe(200)
    const { text } = await mailTo(email, /Reset/)
    const link = new URL(/https:\S+\/reset-password#\S+/.exec(text)?.[0] ?? '')

    const { page, problems } = await site.open(link.pathname + link.hash)
    await expect.poll(() => page.getByLabel('Account').inputValue()).toBe(email)
    await page.reload()
    await save(page, CHOSEN)
    await heading(page, 'Password changed').waitFor()
    expect(problems).toEqual([])
    expect(await site.post('/api/admins/login', { username, password: CHOSEN })).toBe(200)

    // A dead link of an admin leads to the form for admins.
    const { page: second } = await site.open(link.pathname + link.hash)
    await second.getByRole('link', { name: 'Send me a new link' }).click()
    await second.getByText('of your admin account').waitFor()
  })
})
