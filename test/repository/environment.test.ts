import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { Variables } from '../../src/env.ts'

/** Rejects, with the output, when the program fails. */
const run = promisify(execFile)

const ROOT = join(import.meta.dirname, '../..')
const NOT_COPIED = /^(\.dev\.vars|\.env|\.git|\.local|node_modules|dist|coverage)$/

/** Values that would change every result if they reached a test. */
const HOSTILE: Record<string, string> = {
  ...Object.fromEntries(Object.keys(Variables.shape).map((name) => [name, 'hostile'])),
  PROJECT_NAME: 'My App',
  PASSWORD_MIN_LENGTH: '15',
  BCRYPT_COST: '12',
  RATE_LIMIT_PER_HOUR: '1',
  MAIL_QUEUE: 'hostile',
  ASSETS: 'hostile',
}

/** Variables of a shell that other programs read. */
const HOSTILE_SHELL = {
  ...HOSTILE,
  CLOUDFLARE_ENV: 'production',
  CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true',
  NODE_ENV: 'production',
  PGHOST: 'db.invalid',
  PGUSER: 'nobody',
  PGPASSWORD: 'hostile',
  PORT: '1',
  TZ: 'Asia/Kathmandu',
}

/** A project of vitest.config.ts, and files of it: tests of the Worker, the bundle and programs. */
const RUNS = [
  ['workerd', 'test/app', 'test/routes/users/register'],
  ['node', 'test/bundle/bundle', 'test/repository/doctor', 'test/repository/variables'],
] as const

test('the tests pass with a hostile .dev.vars, .env, shell and .local/', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hostile-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const name of await readdir(ROOT)) {
    if (NOT_COPIED.test(name)) continue
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const lines = Object.entries(HOSTILE).map(([name, value]) => `${name}="${value}"`)
  await writeFile(join(folder, '.dev.vars'), lines.join('\n'))
  await writeFile(join(folder, '.env'), lines.join('\n'))
  await writeFile(join(folder, '.local'), 'a file where a folder is expected')

  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const env = { ...process.env, ...HOSTILE_SHELL }
  for (const [project, ...files] of RUNS) {
    const args = [vitest, 'run', '--project', project, ...files]
    const { stdout } = await run(process.execPath, args, { cwd: folder, env, timeout: 110_000 })
    expect(stdout).toMatch(/\n\d+ passed, 0 failed\n$/)
  }
})
