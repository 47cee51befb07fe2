/** The mailbox as its readers use it: with a keyboard, in a browser. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type RunningMailbox, startMailbox } from '../../local/mailbox/index.ts'
import { describeInChromium } from '../bundle/chromium.ts'
import { API_KEY, MAIL } from './sample-mail.ts'

describeInChromium('the mailbox', (launch) => {
  let mailbox: RunningMailbox
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    ;[mailbox, browser] = await Promise.all([startMailbox({ apiKey: API_KEY }), launch()])
  })
  afterAll(async () => {
    await browser?.close()
    await mailbox?.close()
  })
  beforeEach(async () => {
    await fetch(`${mailbox.url}/mails`, { method: 'DELETE' })
    for (const name of ['ada', 'grace', 'eve']) await send(name)
    page = await browser.newPage()
    await page.goto(mailbox.url)
    return () => page.close()
  })

  const send = (name: string) =>
    fetch(`${mailbox.url}/emails`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ ...MAIL, to: `${name}@example.com`, subject: `To ${name}` }),
    })

  const listed = () => page.locator('nav .subject').allTextContents()
  const count = () => page.getByRole('status').textContent()

  test('finds emails as one types, and keeps the search over a reload and for what arrives', async () => {
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('grace@')
    await expect.poll(listed).toEqual(['To grace'])
    expect(await count()).toBe('1 of 3 emails')
    await send('grace')
    await send('ada')
    await expect.poll(count).toBe('2 of 5 emails')
    expect(await page.getByLabel('Search emails').inputValue()).toBe('grace@')
    await page.reload()
    expect(await listed()).toEqual(['To grace', 'To grace'])
    await page.getByLabel('Search emails').fill('')
    await expect.poll(count).toBe('5 emails')
  })

  test('keeps the focus in the list when an email arrives', async () => {
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim())
    await page.locator('nav a').nth(1).focus()
    expect(await focused()).toMatch(/^To grace/)
    await send('dan')
    await expect.poll(listed).toHaveLength(4)
    expect(await focused()).toMatch(/^To grace/)
  })

  test('asks before it deletes all emails: Escape, Enter and Cancel delete none', async () => {
    const question = page.getByRole('dialog', { name: 'Delete all emails?' })
    for (const key of ['Escape', 'Enter']) {
      await page.getByRole('button', { name: 'Clear' }).click()
      await page.keyboard.press(key)
      await expect.poll(() => question.isVisible()).toBe(false)
    }
    expect(await count()).toBe('3 emails')
    await page.getByRole('button', { name: 'Clear' }).click()
    await question.getByRole('button', { name: 'Delete all' }).click()
    await expect.poll(count).toBe('0 emails')
    expect(await page.getByRole('button', { name: 'Clear' }).isVisible()).toBe(false)
    expect(await page.getByText('No emails yet.').isVisible()).toBe(true)
  })
})
