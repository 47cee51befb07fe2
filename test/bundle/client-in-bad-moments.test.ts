/** Tabs that freeze, networks that fail, storage that is full: moments in which a client could sign out. */
import type { Page, Route } from 'playwright-core'
import { expect, test } from 'vitest'
import { testTabs } from './tabs.ts'

testTabs('bad moments', (tabs) => {
  const { tokens, open, intercept, signedInTab, logIn, register, usernameIn, currentIn, expire } =
    tabs

  /** Holds the calls of a path back, until the test answers them. */
  async function hold(context: Parameters<typeof intercept>[0], path: string) {
    const held: Route[] = []
    await intercept(context, path, (route) => held.push(route))
    return held
  }

  async function setFrozen(tab: Page, state: 'frozen' | 'active') {
    const session = await tab.context().newCDPSession(tab)
    await session.send('Page.setWebLifecycleState', { state })
  }

  test('a tab that is frozen while it refreshes does not keep others waiting, nor its late retry sign them out', async () => {
    const { context, tab, username } = await signedInTab()
    const [frozen, other] = [await open(context), await open(context)]
    await expire(tab)
    const held = await hold(context, '/api/users/refresh')
    const late = usernameIn(frozen).catch((thrown) => thrown)
    await expect.poll(() => held.length).toBe(1)
    await setFrozen(frozen, 'frozen')

    const call = usernameIn(other)
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(2)
    await held[1]?.continue()
    expect(await call).toBe(username)

    await held[0]?.abort()
    await setFrozen(frozen, 'active')
    expect(await late).toBe(username)
    expect(held.length).toBe(tokens === 'cookie' ? 3 : 2)
  })

  test('a slow “log out” does not sign out who has signed in since', async () => {
    const { context, tab } = await signedInTab()
    const next = await register()
    const held = await hold(context, '/api/users/logout')
    const logout = tab.evaluate('accounts.logoutUser()')
    await expect.poll(() => held.length).toBe(1)
    const login = logIn(tab, next)
    await tab.waitForTimeout(1000)
    await held[0]?.continue()
    await Promise.all([logout, login])
    expect(await usernameIn(tab)).toBe(next.username)
    const reloaded = await open(context)
    await tab.close()
    expect(await usernameIn(reloaded)).toBe(next.username)
  })

  test('the service is down when a page is opened: signed in as soon as it is back', async () => {
    const { context, tab, username } = await signedInTab()
    await expire(tab)
    const held = await hold(context, '/api/users/refresh')
    const page = await open(context)
    const failed = page.evaluate('accounts.getCurrentUser().catch(({ error }) => error)')
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect.poll(() => held.length).toBe(attempt + 1)
      await held[attempt]?.abort()
    }
    expect(await failed).toBe('NetworkError')
    expect(await currentIn(page)).not.toBeNull()
    await context.unroute(() => true)
    await context.unrouteAll()
    expect(await usernameIn(page)).toBe(username)
  })

  test('full storage leaves the tokens in memory', async () => {
    const context = await tabs.newContext()
    const tab = await open(context)
    const account = await register()
    await tab.evaluate(`for (let size = 2 ** 22; size >= 1; size /= 2) {
      try { for (let i = 0; ; i++) localStorage['fill' + size + i] = 'x'.repeat(size) } catch {}
    }`)
    await logIn(tab, account)
    expect(await usernameIn(tab)).toBe(account.username)
    await tab.evaluate('accounts.refreshUserTokens()')
    expect(await usernameIn(tab)).toBe(account.username)
    expect(await currentIn(await open(context))).toBeNull()
  })
})
