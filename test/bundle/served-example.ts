/** examples/react as it is deployed: built, on an origin of its own, under its Content Security Policy. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from 'vitest'
import { freePort } from '../../local/process/ports.ts'
import { supervise } from '../../local/process/supervise.ts'
import { exampleIn } from '../../local/vite.ts'
import { hashPassword } from '../../src/passwords/hash.ts'
import {
  call,
  newAccount,
  PASSWORD,
  RATE_LIMIT_FACTOR,
  register,
  type ServedBundle,
  serveBundle,
  sql,
} from './served-bundle.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE_LIMIT_MS = 20_000
const START_LIMIT_MS = 30_000
const POLL_MS = 100

/** What Chromium logs of a status that the page handles. */
const HTTP_STATUS = /^Failed to load resource: the server responded with a status of 4\d\d/

const run = promisify(execFile)

async function untilServed(url: string) {
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (Date.now() > deadline) throw new Error(`Nothing is served at ${url}`)
    await sleep(POLL_MS)
  }
}

async function buildAndServe(port: number, accountsUrl: string) {
  const { example, vite } = exampleIn(ROOT)
  const folder = await mkdtemp(join(tmpdir(), 'example-'))
  const env = { VITE_ACCOUNTS_URL: accountsUrl }
  const out = ['--outDir', folder, '--logLevel', 'warn']
  await run(process.execPath, [vite, 'build', ...out], {
    cwd: example,
    env: { ...process.env, NODE_ENV: 'production', ...env },
  })
  const served = supervise({
    file: process.execPath,
    args: [vite, 'preview', '--port', `${port}`, ...out],
    cwd: example,
    env,
    stop: [{ signal: 'SIGTERM', waitMs: 2000 }],
  })
  served.output.resume()
  await untilServed(`http://127.0.0.1:${port}`)
  return async () => {
    await served.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Serves the service and the example for the tests of a file, which fail on any problem of a page. */
export function useExample(launch: () => Promise<Browser>) {
  let bundle: ServedBundle
  let browser: Browser
  let stopExample: (() => Promise<void>) | undefined
  let url = ''
  const problems: string[] = []

  beforeAll(async () => {
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    ;[bundle, browser] = await Promise.all([
      serveBundle({ CORS_ORIGINS: url, FRONTEND_URL: url, RATE_LIMIT_FACTOR }),
      launch(),
    ])
    stopExample = await buildAndServe(port, bundle.url)
  })
  afterAll(async () => {
    await browser?.close()
    await stopExample?.()
    await bundle?.close()
  })
  afterEach(() => {
    expect(problems.splice(0)).toEqual([])
  })

  function watch(page: Page) {
    page.setDefaultTimeout(PAGE_LIMIT_MS)
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (line) => {
      const isProblem = ['error', 'warning'].includes(line.type()) && !HTTP_STATUS.test(line.text())
      if (isProblem) problems.push(line.text())
    })
    page.on('request', (request) => {
      const { origin } = new URL(request.url())
      if (![url, bundle.url].includes(origin)) problems.push(`requested ${request.url()}`)
    })
  }

  return {
    at: (path: string) => url + path,
    /** What a page did that it should not do. Fails the test unless it is taken from here. */
    problems,

    /** A browser of its own, with one tab. */
    async open(path: string): Promise<{ page: Page; context: BrowserContext }> {
      const context = await browser.newContext({ baseURL: url })
      onTestFinished(() => context.close())
      context.on('page', watch)
      const page = await context.newPage()
      await page.goto(path)
      return { page, context }
    },

    register: () => register(bundle.url),

    async logIn(username: string, password: string, userAgent = 'test') {
      const { status } = await call(`${bundle.url}/api/users/login`, {
        method: 'POST',
        body: { username, password },
        headers: { 'User-Agent': userAgent },
      })
      return status
    },

    async newAdmin() {
      const { username, email } = newAccount()
      await sql('insert into admins (username, email, hashed_password) values ($1, $2, $3)', [
        ...[username, email, await hashPassword(PASSWORD, 10)],
      ])
      return username
    },
  }
}

/** Fills the form of a page, by its labels, and sends it. */
export async function submit(page: Page, values: Record<string, string>, button: string) {
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(label, { exact: true }).fill(value)
  }
  await page.getByRole('button', { name: button, exact: true }).click()
}

export const signIn = (page: Page, username: string, password = PASSWORD) =>
  submit(page, { 'Username or email': username, Password: password }, 'Sign in')

export const heading = (page: Page, name: string) =>
  page.getByRole('heading', { name, exact: true }).waitFor()
