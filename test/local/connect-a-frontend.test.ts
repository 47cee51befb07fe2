/** The code of docs/connect-a-frontend.md, compiled, and run against `npm run dev` on an origin of its own. */
import { type ChildProcess, execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { describeInChromium } from '../bundle/chromium.ts'
import { type Frontend, serveFrontend } from '../bundle/frontend.ts'
import { copyRepository, type RepositoryCopy } from './repository-copy.ts'

const ROOT = join(import.meta.dirname, '../..')
const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm
const FILE_NAME = /^\/\/ (\S+\.ts)\n/
const PASSWORD = 'a long sentence of my own'
const START_TIMEOUT_MS = 60_000

const run = promisify(execFile)
const page = readFileSync(join(ROOT, 'docs/connect-a-frontend.md'), 'utf8')
const blocks = [...page.matchAll(BLOCK)].map(([, language = '', code = '']) => ({ language, code }))

let copy: RepositoryCopy
let dev: ChildProcess
let output = ''
let frontend: Frontend
let folder: string

/** The block with the addresses of this test in place of the defaults. */
const adapted = (code: string) =>
  code
    .replaceAll('http://127.0.0.1:8787', copy.urls.api)
    .replaceAll('http://127.0.0.1:8025', copy.urls.mailbox)
    .replaceAll('http://localhost:5173', frontend.origin)

/** Serves a page, and the files of a folder as modules, as a development server does. */
function serveModules() {
  const imports = { 'edge-accounts-client': '/client/index.ts' }
  const html = `<!doctype html><title>Frontend</title>
    <script type="importmap">${JSON.stringify({ imports })}</script>`
  return serveFrontend(({ url = '' }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    if (!pathname.endsWith('.ts')) return response.setHeader('Content-Type', 'text/html').end(html)
    const file = pathname.startsWith('/client/')
      ? join(ROOT, 'client/src', pathname.slice('/client/'.length))
      : join(folder, pathname)
    const script = stripTypeScriptTypes(readFileSync(file, 'utf8'))
    return response.setHeader('Content-Type', 'text/javascript').end(script)
  })
}

beforeAll(async () => {
  copy = await copyRepository()
  folder = join(copy.folder, 'frontend')
  mkdirSync(folder)
  frontend = await serveModules()
  for (const { language, code } of blocks) {
    const name = FILE_NAME.exec(code)?.[1]
    if (language === 'ts') writeFileSync(join(folder, name ?? 'unnamed.ts'), adapted(code))
  }
  const [start] = blocks.filter(({ language }) => language === 'sh')
  const args = /^npm run dev -- (.*)\n$/.exec(adapted(start?.code ?? ''))?.[1]?.split(' ')
  dev = copy.run(args ?? [], (text) => {
    output += text
  })
  await vi.waitFor(() => expect(output).toMatch(/^Ready\.$/m), { timeout: START_TIMEOUT_MS })
}, START_TIMEOUT_MS)
afterAll(async () => {
  dev.kill('SIGTERM')
  await once(dev, 'close')
  frontend.close()
  await copy.remove()
})

test('all code blocks are the start command, the project of a first page, or a named file', () => {
  expect(blocks.filter(({ language }) => language !== 'ts').map(({ code }) => code)).toEqual([
    'npm run dev -- --frontend-url http://localhost:5173\n',
    expect.stringMatching(/^npm create vite@latest my-app -- --template vanilla-ts\n/),
  ])
  const named = blocks.flatMap(({ code }) => FILE_NAME.exec(code)?.[1] ?? [])
  expect(named).toHaveLength(blocks.length - 2)
  expect(named).toHaveLength(new Set(named).size)
})

test('the code compiles with the strict options of TypeScript', async () => {
  const compilerOptions = {
    ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler', noEmit: true },
    ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
    ...{ allowImportingTsExtensions: true, lib: ['es2022', 'dom'], types: [] },
    paths: { 'edge-accounts-client': [join(ROOT, 'client/src/index.ts')] },
  }
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', config])
  expect(stdout).toBe('')
})

test('an origin that is not allowed is in the log, until CORS_ORIGINS lists it', async () => {
  const origin = 'https://app.example.com'
  const allowed = async () => {
    const preflight = { Origin: origin, 'Access-Control-Request-Method': 'POST' }
    const init = { method: 'OPTIONS', headers: preflight }
    const { headers } = await fetch(`${copy.urls.api}/api/users/login`, init)
    return headers.get('Access-Control-Allow-Origin')
  }
  expect(await allowed()).toBeNull()
  await expect
    .poll(() => output)
    .toMatch(/warn +origin_not_allowed .*origin=https:\/\/app\.example\.com variable=CORS_ORIGINS/)
  appendFileSync(join(copy.folder, '.dev.vars'), `CORS_ORIGINS=${origin}\n`)
  await expect
    .poll(() => output, { timeout: START_TIMEOUT_MS })
    .toMatch(/Changed in \.dev\.vars: CORS_ORIGINS\. Restarting[\s\S]*Ready: /)
  expect(await allowed()).toBe(origin)
})

const newcomer = () => {
  const name = `user-${randomUUID().slice(0, 8)}`
  return { name, email: `${name}@example.com` }
}

describeInChromium('the code', (launch) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  async function open(path = '/') {
    const opened = await browser.newPage({ baseURL: frontend.origin })
    onTestFinished(() => opened.close())
    await opened.goto(path)
    return opened
  }

  /** What a function of a module of the page returns. */
  const call = (opened: Page, module: string, name: string, ...args: unknown[]) =>
    opened.evaluate<unknown>(
      `import('/${module}.ts').then((module) => module.${name}(...${JSON.stringify(args)}))`,
    )

  test('the first page signs up, out and in, and says what is wrong', async () => {
    const { name, email } = newcomer()
    const opened = await open()
    const start = () => opened.addScriptTag({ url: '/main.ts', type: 'module' })
    const press = (button: string) => opened.getByRole('button', { name: button }).click()
    await start()
    await opened.getByLabel('Username').fill(name)
    await opened.getByLabel('Password').fill(PASSWORD)
    await opened.getByLabel('Email').fill(email)
    await press('Sign up')
    await opened.getByRole('heading', { name: `${name}, ${email}` }).waitFor()
    await opened.reload()
    await start()
    await opened.getByRole('heading', { name: `${name}, ${email}` }).waitFor()
    await press('Sign out')
    await opened.getByLabel('Username').fill(name)
    await opened.getByLabel('Password').fill('not this one')
    await press('Sign in')
    await opened.getByText('Invalid username or password').waitFor()
    await opened.getByLabel('Password').fill(PASSWORD)
    await press('Sign in')
    await opened.getByRole('heading', { name: `${name}, ${email}` }).waitFor()
  })

  test('signs up, keeps the session over a reload, signs out and in', async () => {
    const { name, email } = newcomer()
    const opened = await open()
    await call(opened, 'sign-in', 'signUp', name, email, PASSWORD)
    await opened.reload()
    expect(await call(opened, 'sign-in', 'profile')).toMatchObject({ username: name, email })
    await call(opened, 'sign-in', 'signOut')
    await expect(call(opened, 'sign-in', 'profile')).rejects.toThrow('ApiError')
    await call(opened, 'sign-in', 'signIn', email, PASSWORD)
    expect(await call(opened, 'sign-in', 'profile')).toMatchObject({ username: name })
  })

  test('signs in with plain fetch, and refreshes once for calls that wait', async () => {
    const { name, email } = newcomer()
    const opened = await open()
    await call(opened, 'sign-in', 'signUp', name, email, PASSWORD)
    const paths: string[] = []
    opened.on('request', (request) => {
      if (request.method() === 'POST') paths.push(new URL(request.url()).pathname)
    })
    const seen = await opened.evaluate(`(async () => {
      const { call, signIn, signOut } = await import('/plain-fetch.ts')
      await signIn('${name}', '${PASSWORD}')
      const me = await (await call('GET', '/api/v1/users/me')).json()
      const send = fetch
      let rejected = 0
      window.fetch = (url, init) => send(url, rejected < 3 && rejected++ >= 0 && init.headers
        ? { ...init, headers: { ...Object.fromEntries(init.headers), Authorization: 'Bearer expired' } }
        : init)
      const three = await Promise.all([1, 2, 3].map(() => call('GET', '/api/v1/users/me')))
      window.fetch = send
      await signOut()
      const after = await call('GET', '/api/v1/users/me')
      return { me, three: three.map(({ status }) => status), after: after.status }
    })()`)
    expect(seen).toMatchObject({ me: { username: name }, three: [200, 200, 200], after: 401 })
    expect(paths).toEqual(['/api/v1/users/login', '/api/v1/users/refresh', '/api/v1/users/logout'])
  })

  test('resets a password by the link in the email, which leads to the frontend', async () => {
    const { name, email } = newcomer()
    const opened = await open()
    await call(opened, 'sign-in', 'signUp', name, email, PASSWORD)
    await call(opened, 'reset-password', 'forgotPassword', email)
    const { linkIn } = await import(join(folder, 'mailbox.ts'))
    const link = await linkIn(email, /^Reset/)
    expect(link).toContain(`${frontend.origin}/reset-password?token=`)

    await opened.goto(link)
    await call(opened, 'reset-password', 'resetPassword', 'another sentence of mine')
    expect(opened.url()).toBe(`${frontend.origin}/reset-password`)
    await call(opened, 'sign-in', 'signIn', name, 'another sentence of mine')
    expect(await call(opened, 'sign-in', 'profile')).toMatchObject({ username: name })
  })

  test('tells errors in words', async () => {
    const opened = await open()
    const messageOf = (input: string) =>
      opened.evaluate(`(async () => {
        const { accounts } = await import('/accounts.ts')
        const { messageOf } = await import('/message.ts')
        return (${input}).catch(messageOf)
      })()`)
    const { name } = newcomer()
    const login = `accounts.loginUser({ username: '${name}', password: 'wrong password' })`
    expect(await messageOf(login)).toBe('Invalid username or password')
    await opened.context().setOffline(true)
    expect(await messageOf(login)).toMatch(/^Can't reach the server/)
    await opened.context().setOffline(false)
  })
})
