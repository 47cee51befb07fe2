/** The tour of examples/react, as somebody takes it who tries it out. */
import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { mailTo, PASSWORD } from './served-bundle.ts'
import { heading, signIn, submit, useExample } from './served-example.ts'

const CHOSEN = `${PASSWORD}, chosen`

describeInChromium('the example', (launch) => {
  const { at, open, register, logIn, newAdmin } = useExample(launch)

  const path = (page: Page) => page.evaluate<string>('location.pathname + location.search')

  const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name })

  async function resetLinkOf(email: string) {
    const { text } = await mailTo(email, /reset|new password/i)
    const link = /https?:\/\/\S+\/reset-password\?token=\S+/.exec(text)?.[0]
    if (!link) throw new Error(`No link in ${text}`)
    return link
  }

  test('/register opens an account and signs in; / leads to the profile', async () => {
    const { page } = await open('/register')
    const username = `tourist-${randomUUID().slice(0, 8)}`
    const account = { Username: username, Email: `${username}@example.com`, Password: PASSWORD }
    await submit(page, { 'Full name': 'Ada Lovelace', ...account }, 'Create account')
    await heading(page, 'Profile')
    expect(await page.title()).toBe('Profile · Acme')
    await page.goto('/')
    await heading(page, 'Profile')
    expect(await path(page)).toBe('/profile')
    expect(await page.getByLabel('Full name').inputValue()).toBe('Ada Lovelace')
    // The refresh token is where no script can read it.
    expect(await page.evaluate('document.cookie')).toBe('')
    expect(await page.evaluate('Object.values(localStorage)')).toEqual([
      expect.stringMatching(/^\{"account":\{"id":\d+,"role":"user"\}\}$/),
    ])
  })

  test('/profile saves a name, a username and an email, also over a reload', async () => {
    const { username } = await register()
    const { page } = await open('/profile')
    await signIn(page, username)
    const changed = { Username: `${username}-2`, Email: `${username}-2@example.com` }
    await heading(page, 'Profile')
    await submit(page, { 'Full name': 'Grace Hopper', ...changed }, 'Save')
    await page.getByText('Saved.').waitFor()
    await page.getByRole('banner').getByText('Grace Hopper').waitFor()
    await page.reload()
    await heading(page, 'Profile')
    expect(await page.getByLabel('Username').inputValue()).toBe(changed.Username)
    expect(await page.getByLabel('Email').inputValue()).toBe(changed.Email)
  })

  test('/password changes the password and keeps the session', async () => {
    const { username } = await register()
    const { page } = await open('/password')
    await signIn(page, username)
    await heading(page, 'Password')
    const values = { 'Current password': PASSWORD, 'New password': CHOSEN }
    await submit(page, values, 'Change password')
    await page.getByText('Your password is changed.').waitFor()
    expect(await page.getByLabel('New password', { exact: true }).inputValue()).toBe('')
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('You are signed in nowhere else.').waitFor()
    expect(await logIn(username, PASSWORD)).toBe(401)
    expect(await logIn(username, CHOSEN)).toBe(200)
  })

  test('/sessions lists devices, ends one of them, and all others', async () => {
    const { username } = await register()
    await logIn(username, PASSWORD, 'Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0')
    await logIn(
      username,
      PASSWORD,
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/6',
    )
    await logIn(username, PASSWORD, 'curl/8.5.0')
    const { page } = await open('/sessions')
    await signIn(page, username)
    await row(page, 'Chrome on Linux').getByText('This device').waitFor()
    await row(page, 'curl/8.5.0').waitFor()
    await row(page, 'Firefox on Windows').getByRole('button').click()
    await row(page, 'Firefox on Windows').waitFor({ state: 'detached' })
    await row(page, 'Safari on iPhone').waitFor()
    await page.getByRole('button', { name: 'End all other sessions' }).click()
    await page.getByText('You are signed in nowhere else.').waitFor()
    expect(await page.getByRole('listitem').count()).toBe(1)
  })

  test('/forgot-password sends a link, whose token is in no address and works once', async () => {
    const { username, email } = await register()
    const { page } = await open('/sign-in')
    await page.getByRole('link', { name: 'Forgot it?' }).click()
    await submit(page, { Email: email }, 'Send the link')
    await heading(page, 'Check your email')
    const link = await resetLinkOf(email)
    expect(link.startsWith(at('/reset-password?token='))).toBe(true)

    await page.goto(link)
    await page.getByText(email).waitFor()
    expect(await path(page)).toBe('/reset-password')
    await page.reload()
    await submit(page, { 'New password': CHOSEN }, 'Change password')
    await page.getByText('Your password is changed.').waitFor()
    await signIn(page, username, CHOSEN)
    await heading(page, 'Profile')

    await page.goto(link)
    await heading(page, 'This link no longer works')
    await page.getByRole('link', { name: 'Send me a new link' }).click()
    await heading(page, 'Forgot your password?')
  })

  test('“Log out” and “Sign in” in one tab reach the others', async () => {
    const { username } = await register()
    const { page, context } = await open('/sessions')
    await signIn(page, username)
    await heading(page, 'Sessions')
    const other = await context.newPage()
    await other.goto('/password')
    await heading(other, 'Password')
    await page.getByRole('button', { name: 'Log out' }).click()
    await heading(page, 'Sign in')
    expect(await path(page)).toBe('/sign-in')
    await other.getByText('You have been signed out.').waitFor()
    await signIn(page, username)
    await heading(page, 'Profile')
    // Back where it was.
    await heading(other, 'Password')
  })

  test('/delete-account deletes it: signing in is no longer possible', async () => {
    const { username } = await register()
    const { page } = await open('/delete-account')
    await signIn(page, username)
    await heading(page, 'Delete account')
    await submit(page, { Password: PASSWORD }, 'Delete my account')
    await page.getByText('Your account is deleted.').waitFor()
    expect(await logIn(username, PASSWORD)).toBe(401)
  })

  test('/admin/users finds a user and disables them: they are out at the next call', async () => {
    const { username } = await register()
    const { page: users } = await open('/sessions')
    await signIn(users, username)
    await heading(users, 'Sessions')

    const { page: admins } = await open('/admin')
    await signIn(admins, await newAdmin())
    await heading(admins, 'Users')
    await admins.getByLabel('Search for users').fill(username)
    await admins.getByText('1–1 of 1').waitFor()
    await admins.getByRole('button', { name: `Disable ${username}` }).click()
    await row(admins, username).getByText('Disabled').waitFor()

    await users.getByRole('link', { name: 'Profile' }).click()
    await submit(users, { 'Full name': 'Ada' }, 'Save')
    await users.getByText('You have been signed out.').waitFor()
    await signIn(users, username)
    await users.getByText('The username or the password is wrong.').waitFor()

    await admins.getByRole('button', { name: `Enable ${username}` }).click()
    await admins.getByRole('button', { name: `Disable ${username}` }).waitFor()
    await signIn(users, username)
    await heading(users, 'Profile')
    await admins.getByRole('button', { name: `Sign out ${username}` }).click()
    await admins.getByText(`Signed out.`).waitFor()
    await users.getByRole('link', { name: 'Sessions' }).click()
    await users.getByText('You have been signed out.').waitFor()
  })

  test('/admin/users pages and filters, and keeps both over a reload', async () => {
    await register()
    const { page } = await open('/admin/users?show=disabled')
    await signIn(page, await newAdmin())
    await heading(page, 'Users')
    expect(await page.getByLabel('Show').inputValue()).toBe('disabled')
    await page.getByLabel('Show').selectOption('active')
    await page.waitForURL(/show=active/)
    await page.reload()
    await page.getByText(/^1–\d+ of \d+/).waitFor()
    expect(await page.getByLabel('Show').inputValue()).toBe('active')
    await page.getByLabel('Search for users').fill('nobody-has-this-name')
    await page.getByText('No users match.').waitFor()

    // Both at once: the search waits for more keys meanwhile.
    await page.getByLabel('Search for users').fill('another-name')
    await page.getByLabel('Show').selectOption('disabled')
    await page.waitForURL(/search=another-name/)
    expect(new URL(page.url()).searchParams.get('show')).toBe('disabled')
  })
})
