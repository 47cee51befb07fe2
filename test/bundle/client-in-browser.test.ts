/** Two tabs of a frontend on an origin of its own, in Chromium, with the service as it is deployed. */
import { expect, test } from 'vitest'
import { testTabs } from './tabs.ts'

/** How long a refresh takes here, so that all tabs are certain to want one meanwhile. */
const REFRESH_MS = 500

testTabs('tabs', (tabs) => {
  const { tokens, open, logIn, register, usernameIn, currentIn, expire } = tabs

  /** `refreshes` collects the bodies of refreshes on the wire. */
  async function signedInTab() {
    const signedIn = await tabs.signedInTab()
    const refreshes: (string | null)[] = []
    await tabs.intercept(signedIn.context, '/api/v1/*/refresh', async (route) => {
      refreshes.push(route.request().postData())
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
      await route.continue()
    })
    return { ...signedIn, refreshes }
  }

  test('two tabs that need a refresh at once send one, and both stay signed in', async () => {
    const { tab, context, refreshes, username } = await signedInTab()
    const tabs = await Promise.all([open(context), open(context)])
    await expire(tab)
    expect(refreshes).toEqual([])
    expect(await Promise.all(tabs.map(usernameIn))).toEqual([username, username])
    expect(refreshes).toHaveLength(1)
    // Each again, as nobody was signed out, and none of the tokens is an old one.
    expect(await Promise.all(tabs.map(usernameIn))).toEqual([username, username])
    expect(refreshes).toHaveLength(1)
  })

  test('fifty calls in each of two tabs send one refresh', async () => {
    const { tab, context, refreshes, username } = await signedInTab()
    const tabs = await Promise.all([open(context), open(context)])
    await expire(tab)
    const fifty = `Promise.all(Array.from({ length: 50 }, () => accounts.user.accessToken()))
    .then((tokens) => new Set(tokens).size)`
    expect(await Promise.all(tabs.map((tab) => tab.evaluate(fifty)))).toEqual([1, 1])
    expect(refreshes).toHaveLength(1)
    expect(await Promise.all(tabs.map(usernameIn))).toEqual([username, username])
  })

  test('a tab whose refresh breaks off leaves the next one to the other tab', async () => {
    const { tab, context, refreshes, username } = await signedInTab()
    const [first, second] = await Promise.all([open(context), open(context)])
    await expire(tab)
    const broken = first.evaluate('accounts.user.accessToken()').catch(() => undefined)
    await expect.poll(() => refreshes.length).toBe(1)
    const waiting = usernameIn(second)
    await first.close()
    await broken
    expect(await waiting).toBe(username)
    expect(refreshes).toHaveLength(2)
  })

  test('a reload keeps the account signed in', async () => {
    const { tab, refreshes, username } = await signedInTab()
    const account = await currentIn(tab)
    expect(account).toEqual({ id: expect.any(Number), role: 'user' })
    await tab.reload()
    expect(await currentIn(tab)).toEqual(account)
    expect(await usernameIn(tab)).toBe(username)
    expect(refreshes).toHaveLength(tokens === 'cookie' ? 1 : 0)
  })

  test('signing out in one tab signs out the other, and tells its subscribers', async () => {
    const { tab, context } = await signedInTab()
    const other = await open(context)
    await other.evaluate(`globalThis.seen = []
    accounts.user.subscribe(() => seen.push(accounts.user.current()))`)
    await usernameIn(other)
    await tab.evaluate('accounts.logoutUser()')
    await other.waitForFunction('seen.length > 0')
    expect(await other.evaluate('seen')).toEqual([null])
    expect(await other.evaluate('accounts.getCurrentUser().catch(({ status }) => status)')).toBe(
      401,
    )
    await other.reload()
    expect(await currentIn(other)).toBeNull()
  })

  test('signing in as somebody else in one tab does so in the other', async () => {
    const { tab, context } = await signedInTab()
    const other = await open(context)
    const before = await currentIn(other)
    await usernameIn(other)
    const account = await register()
    await logIn(tab, account)
    await expect.poll(() => currentIn(other)).not.toEqual(before)
    expect(await usernameIn(other)).toBe(account.username)
  })

  test('scripts find the refresh token in localStorage only where it is kept there', async () => {
    const { tab, context } = await signedInTab()
    const stored = await tab.evaluate<string>('JSON.stringify(localStorage) + document.cookie')
    const cookies = await tabs.cookies(context)
    if (tokens === 'localStorage') {
      expect(stored).toContain('refresh')
      expect(cookies).toEqual([])
    } else {
      expect(cookies).toMatchObject([
        { name: '__Host-refresh_users', httpOnly: true, secure: true, sameSite: 'None' },
      ])
      expect(stored).not.toContain(cookies[0]?.value)
      expect(JSON.parse(Object.values<string>(JSON.parse(stored))[0] ?? '')).toEqual({
        account: await currentIn(tab),
      })
    }
  })
})
