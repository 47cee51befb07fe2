/** The tour of README.md, as a newcomer pastes it, against `npm run dev`. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { copyRepository, type RepositoryCopy } from '../local/repository-copy.ts'

const START_TIMEOUT_MS = 120_000

const has = (program: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false
  }
}

const SHELLS = ['bash', 'zsh'].filter(has)

/** What the tour calls, and what comes back the first time. */
const CALLS = [
  'POST /api/v1/users/register: 201',
  'POST /api/v1/users/login: 200',
  'GET /api/v1/users/me: 200',
  'POST /api/v1/users/refresh: 200',
  'POST /api/v1/users/change-password: 200',
  'POST /api/v1/password/forgot-password: 200',
  'POST /api/v1/password/reset-password: 200',
  'GET /api/v1/users/me: 401',
  'POST /api/v1/users/login: 200',
  'GET /api/v1/users/me/sessions: 200',
  'POST /api/v1/users/logout: 204',
  'GET /api/v1/users/me: 401',
  'POST /api/v1/admins/register: 201',
  'POST /api/v1/admins/login: 200',
  'GET /api/v1/admins/users: 200',
  'GET /api/v1/admins/audit: 200',
]

if (has('curl') && SHELLS.length > 0) {
  describe(`the tour of README.md in ${SHELLS.join(' and ')}`, testTour)
} else {
  test('the tour of README.md is not tested without curl, and bash or zsh', () => {
    expect(has('curl') && SHELLS.length > 0).toBe(false)
  })
}

function testTour() {
  let copy: RepositoryCopy
  let dev: ChildProcess
  let printed = ''
  let tour: string

  beforeAll(async () => {
    copy = await copyRepository()
    const readme = await readFile(join(copy.folder, 'README.md'), 'utf8')
    const section = /^## A tour with curl\n(.*?)^## /ms.exec(readme)?.[1] ?? ''
    tour = [...section.matchAll(/^```sh\n(.*?)^```$/gms)]
      .map(([, block]) => block)
      .join('\n')
      .replace('http://127.0.0.1:8787', copy.urls.api)
      .replace('http://127.0.0.1:8025', copy.urls.mailbox)
    dev = copy.run([], (text) => {
      printed += text
    })
    await vi.waitFor(() => expect(printed).toMatch(/^Ready\./m), { timeout: START_TIMEOUT_MS })
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    if (dev?.exitCode === null) {
      dev.kill('SIGTERM')
      await once(dev, 'close')
    }
    await copy?.remove()
  })

  /** Runs a script, ended by its first command that fails. */
  async function run(shell: string, script: string) {
    const child = spawn(shell, ['-e'], { env: { ...process.env, NO_PROXY: '127.0.0.1' } })
    child.stdin.end(script)
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    const calls = [...stdout.matchAll(/^(GET|POST) http:\/\/[^/]+(\/[^?:]*)[^:]*: (\d+)$/gm)].map(
      ([, method, path, status]) => `${method} ${path}: ${status}`,
    )
    return { code, stdout, stderr, calls }
  }

  test.each([...SHELLS, ...SHELLS].map((shell, i) => ({ shell, run: i + 1 })))(
    'is what it says in $shell, in run $run',
    async ({ shell, run: nth }) => {
      const { code, stdout, stderr, calls } = await run(shell, tour)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const later = CALLS.map((call) =>
        call.replace('admins/register: 201', 'admins/register: 401'),
      )
      expect(calls).toEqual(nth === 1 ? CALLS : later)
      expect(stdout).toMatch(/"username":"ada-\d+"/)
      expect(stdout).toMatch(/"total":1\b/)
      expect(stdout).toMatch(/"action":"login","outcome":"success"/)
      expect(stdout).not.toContain('FAILED')
    },
  )

  test.each([
    ['a wrong password', /"a third sentence of mine\\"\}"\n(?=ACCESS)/, '"wrong\\"}"\n', '200'],
    ['a path that is gone', '/api/v1/users/me/sessions', '/api/v1/users/me/session', '200'],
    ['a response that has changed', 'call 204', 'call 200', '200'],
  ])('fails loudly at %s', async (_, part, by, expected) => {
    const broken = tour.replace(part, by)
    expect(broken).not.toBe(tour)
    const { code, stdout, calls } = await run('bash', broken)
    expect(code).not.toBe(0)
    expect(stdout).toMatch(new RegExp(`\nFAILED: expected ${expected}\n$`))
    expect(calls.length).toBeLessThan(CALLS.length)
  })

  test('fails loudly without the service', async () => {
    const { code, stderr } = await run('bash', tour.replace(copy.urls.api, 'http://127.0.0.1:1'))
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/^curl: \(7\) /)
  })

  const doctor = async () => {
    const args = [join(copy.folder, 'scripts/doctor.ts')]
    const child = spawn(process.execPath, args)
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return { output, code }
  }
  const running = () => join(copy.folder, '.local/running.json')

  test('npm run doctor without a file checks that service, and does not call it ready to deploy', async () => {
    const { output, code } = await doctor()
    expect(output).toMatch(/^Checking the service of `npm run dev`\.\n/)
    expect(output).not.toMatch(/^(FAIL|warn)/m)
    expect(output).toContain(
      `Ready for local work at ${copy.urls.api}. This is no environment to deploy.`,
    )
    expect(output).not.toContain('Ready to deploy')
    expect(code).toBe(0)
    expect(statSync(running()).mode & 0o777).toBe(0o600)
    const { variables } = JSON.parse(readFileSync(running(), 'utf8'))
    for (const name of ['SECRET_KEY', 'DATABASE_URL', 'RESEND_API_KEY']) {
      expect(output).not.toContain(variables[name])
    }
  })

  test('npm run doctor exits with 2 once that service has stopped, and its variables are gone', async () => {
    dev.kill('SIGTERM')
    await once(dev, 'close')
    expect((await doctor()).code).toBe(2)
    expect(() => statSync(running())).toThrow('ENOENT')
  })
}
