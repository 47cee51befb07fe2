/** `npm run dev` as a newcomer sees it, in a copy of the repository. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startTemporaryPostgres } from '../../local/postgres/index.ts'
import { freePort } from '../../local/process/ports.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { copyRepository, type RepositoryCopy } from './repository-copy.ts'

/** A start takes three seconds on a quiet machine. */
const TIMEOUT_MS = 60_000
const CANARY = 'canary-of-a-secret'

let copy: RepositoryCopy
let folder: string
let file: string
let url: string
let dev: ChildProcess
let output = ''

/** What is printed from now on, by the time it has the pattern. */
async function printed(pattern: RegExp, act: () => unknown): Promise<string> {
  output = ''
  act()
  await expect.poll(() => output, { timeout: TIMEOUT_MS, interval: 100 }).toMatch(pattern)
  return output
}

const replace = (pattern: RegExp, by: string) =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, by))

const projectName = async () => Object(await (await fetch(url)).json()).message

const run = (...args: string[]) =>
  copy.run(args, (text) => {
    output += text
  })

beforeAll(async () => {
  copy = await copyRepository()
  folder = copy.folder
  file = join(folder, '.dev.vars')
  url = copy.urls.api
})
afterAll(() => copy.remove())

describe('npm run dev', () => {
  beforeAll(() => {
    const example = readFileSync(join(folder, '.dev.vars.example'), 'utf8')
    const broken = `\nCORS_ORIGINS=*\nBCRYPT_COST=9\nADMIN_BOOTSTRAP_TOKEN=${CANARY}\nCORS_ORIGN=\nCORS_ORIGN=x\n`
    writeFileSync(file, example.replace('RATE_LIMIT_FACTOR=1000', '') + broken)
  })
  afterAll(async () => {
    dev.kill('SIGTERM')
    await once(dev, 'close')
  })

  test('prints every problem of .dev.vars, never a value, and starts nothing', async () => {
    const text = await printed(/starts by itself/, () => {
      dev = run('--frontend-url', 'http://localhost:5173')
    })
    expect(text).toMatch(/CORS_ORIGINS: must be origins such as https:/)
    expect(text).toMatch(/BCRYPT_COST: must be a whole number from 10 to 14/)
    expect(text).toMatch(/ADMIN_BOOTSTRAP_TOKEN: /)
    expect(text).toMatch(/CORS_ORIGN in .dev.vars is not a variable/)
    expect(text).toMatch(/CORS_ORIGINS is set more than once/)
    expect(text).toMatch(/Add RATE_LIMIT_FACTOR=1000/)
    expect(text).not.toContain(CANARY)
    expect(text).not.toContain('Ready')
    await expect(fetch(url)).rejects.toThrow()
  })

  test('starts when .dev.vars is fixed, and says Ready when /health is healthy', async () => {
    const text = await printed(/Ready\.[\s\S]*Ctrl-C/, () => {
      replace(/\nCORS_ORIGINS=\*[\s\S]*/, '\nRATE_LIMIT_FACTOR=2\n')
    })
    expect(text).toMatch(/\.dev\.vars is valid again\.[\s\S]*PostgreSQL is up/)
    const health = await fetch(`${url}/health`)
    expect(await health.json()).toMatchObject({ status: 'healthy' })
    const login = await fetch(`${url}/api/users/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: 'nobody', password: 'of importance' }),
    })
    expect(login.status).toBe(401)
    expect(login.headers.get('RateLimit-Policy')).toBe('"api";q=400;w=3600, "login";q=60;w=900')
  })

  test('restarts the Worker when .dev.vars changes, and names the variables', async () => {
    const text = await printed(/Ready: /, () => appendFileSync(file, 'PROJECT_NAME=Acme\n'))
    expect(text).toMatch(/Changed in \.dev\.vars: PROJECT_NAME\. Restarting/)
    expect(text).not.toMatch(/Acme|PostgreSQL/)
    expect(await projectName()).toBe('Welcome to Acme API!')
  })

  test('keeps running when .dev.vars becomes invalid or is deleted, and says so', async () => {
    const before = readFileSync(file)
    expect(await printed(/keeps running/, () => appendFileSync(file, 'LOG_LEVEL=loud\n'))).toMatch(
      /LOG_LEVEL: must be one of debug, info, warn, error/,
    )
    expect(await projectName()).toBe('Welcome to Acme API!')
    await printed(/has been deleted\. The service keeps running/, () => rmSync(file))
    expect(await projectName()).toBe('Welcome to Acme API!')
    await printed(/valid again/, () => writeFileSync(file, before))
    await printed(/has been deleted/, () => rmSync(file))
    await printed(/valid again/, () => writeFileSync(file, before))
    expect(output).not.toContain('Restarting')
  })

  test('stops the parts that .dev.vars replaces, and is not Ready while their database is down or empty', async () => {
    const unused = await freePort()
    const before = readFileSync(file)
    const text = await printed(/Not ready\. The database does not respond/, () =>
      appendFileSync(file, `DATABASE_URL=postgresql://me:${CANARY}@127.0.0.1:${unused}/x\n`),
    )
    expect(text).toMatch(/Changed in \.dev\.vars: DATABASE_URL/)
    expect(text).not.toMatch(new RegExp(`Ready\\.|${CANARY}`))
    const postgres = await startTemporaryPostgres({ database: 'empty' })
    onTestFinished(() => postgres.stop())
    await printed(/Not ready\. The database of DATABASE_URL lacks \d+ migrations/, () =>
      appendFileSync(file, `DATABASE_URL=${postgres.url}\n`),
    )
    await printed(/Ready\.[\s\S]*as set in \.dev\.vars/, () => applyMigrations(postgres.url))
    await printed(/PostgreSQL is up[\s\S]*Ready\./, () => writeFileSync(file, before))
  })

  test('says why it is degraded', async () => {
    const without = () => replace(/^EMAIL_FROM=.*$/m, 'EMAIL_FROM=')
    expect(await printed(/Ready: [\s\S]*\n.*\n/, without)).toContain(
      'No email is sent: set EMAIL_FROM',
    )
  })

  test('says that FRONTEND_URL of .dev.vars wins over --frontend-url', async () => {
    await printed(/Ready: /, () => appendFileSync(file, 'FRONTEND_URL=http://localhost:3000\n'))
    expect(output).toContain('FRONTEND_URL is set in .dev.vars, so --frontend-url has no effect.')
  })

  test('shows a source that does not build, and goes on when it does', async () => {
    const source = join(folder, 'src/log.ts')
    const before = readFileSync(source)
    const text = await printed(/ERROR[\s\S]*src\/log\.ts:\d+/, () =>
      appendFileSync(source, '\nconst x = {'),
    )
    expect(text).toContain('The source does not build. Requests wait until it does:')
    await printed(/Local server updated and ready/, () => writeFileSync(source, before))
    expect(await projectName()).toBe('Welcome to Acme API!')
  })
})
