/** Tabs that freeze, networks that fail, storage that is full: moments in which a client could sign out. */
import type { Route } from 'playwright-core'
import { expect, test } from 'vitest'
import { testTabs } from './tabs.ts'

/** Longer than a tab waits for another, and than a refresh may take. */
const HANG_MS = 15_000

testTabs('bad moments', (tabs) => {
  const { tokens, open, intercept, signedInTab, logIn, register, usernameIn, currentIn, expire } =
    tabs

  /** Holds the calls of a path back, until the test answers them. */
  async function hold(context: Parameters<typeof intercept>[0], path: string) {
    const held: Route[] = []
    await intercept(context, path, (route) => held.push(route))
    return held
  }

  test('a tab that hangs while it refreshes does not keep others waiting, nor does it sign them out later', async () => {
    const { context, tab, username } = await signedInTab()
    const [hanging, other] = [await open(context), await open(context)]
    await expire(tab)
    const held = await hold(context, '/api/v1/users/refresh')
    const late = usernameIn(hanging)
    await expect.poll(() => held.length).toBe(1)
    const hang = hanging.evaluate(`const end = Date.now() + ${HANG_MS}; while (Date.now() < end);`)

    const waiting = usernameIn(other)
    await expect.poll(() => held.length, { timeout: HANG_MS }).toBe(2)
    await held[1]?.continue()
    expect(await waiting).toBe(username)

    await hang
    if (tokens === 'cookie') {
      // Its retry is as good as any: the cookie is the newest.
      await expect.poll(() => held.length).toBe(3)
      await held[2]?.continue()
    }
    expect(await late).toBe(username)
    expect(held).toHaveLength(tokens === 'cookie' ? 3 : 2)
  })

  test('a slow “log out” does not sign out who has signed in since', async () => {
    const { context, tab } = await signedInTab()
    const next = await register()
    const held = await hold(context, '/api/v1/users/logout')
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

  test('a login waits for the refresh of its own tab, however slow: its cookie must come last', async () => {
    const { context, tab } = await signedInTab()
    const next = await register()
    await expire(tab)
    const refreshes = await hold(context, '/api/v1/users/refresh')
    const logins = await hold(context, '/api/v1/users/login')
    const refresh = tab.evaluate('accounts.refreshUserTokens()')
    await expect.poll(() => refreshes.length).toBe(1)
    await tab.waitForTimeout(2000)
    const login = logIn(tab, next)
    await expect.poll(() => refreshes.length, { timeout: HANG_MS }).toBe(2)
    await tab.waitForTimeout(3000)
    expect(logins).toHaveLength(0)

    await refreshes[1]?.continue()
    await refresh
    await expect.poll(() => logins.length).toBe(1)
    await logins[0]?.continue()
    await login
    expect(await usernameIn(tab)).toBe(next.username)
  })

  test('the service is down when a page is opened: signed in as soon as it is back', async () => {
    const { context, tab, username } = await signedInTab()
    await expire(tab)
    const held = await hold(context, '/api/v1/users/refresh')
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
