/** A backup as docs/operations.md makes it, and the Worker on what is restored from it. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { serveWorker } from '../../bench/workerd.ts'
import { startNeonGateway } from '../../local/neon/index.ts'
import { buildBundle } from '../../scripts/build.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import type {} from '../setup/world.ts'
import { findPrograms, startInstalledPostgres } from './installed-postgres.ts'
import { call, PASSWORD } from './served-bundle.ts'

const NEW_PASSWORD = 'another long password'

const programs = findPrograms()

if (programs) {
  test(`32: of a database restored from pg_dump in ${programs}, logins work, ended sessions stay ended, and sessions that were refreshed since stay valid`, () =>
    testDump(programs))
} else {
  test('32: pg_dump and pg_restore are not tested without an installed PostgreSQL (apt-get install postgresql)', () => {
    expect(programs).toBeUndefined()
  })
}

type Tokens = { access_token: string; refresh_token: string }

/** The calls of a user, to a Worker at `url`. */
const userAt = (url: string, name: string) => {
  const post = (path: string, body: object, token?: string) =>
    call(`${url}/api/users/${path}`, { method: 'POST', body, ...(token && { token }) })
  return {
    register: () =>
      post('register', { username: name, email: `${name}@example.com`, password: PASSWORD }),
    async logIn(password: string): Promise<Tokens> {
      const { status, body } = await post('login', { username: name, password })
      expect(status).toBe(200)
      return body
    },
    logOut: ({ refresh_token }: Tokens) => post('logout', { refresh_token }),
    refresh: ({ refresh_token }: Tokens) => post('refresh', { refresh_token }),
    changePassword: ({ access_token }: Tokens) =>
      post(
        'change-password',
        { current_password: PASSWORD, new_password: NEW_PASSWORD },
        access_token,
      ),
    me: async ({ access_token: token }: Tokens) =>
      (await call(`${url}/api/users/me`, { token })).status,
  }
}

async function testDump(programs: string) {
  const folder = await mkdtemp(join(tmpdir(), 'dump-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const postgres = await startInstalledPostgres(programs)
  onTestFinished(postgres.stop)
  const neon = await startNeonGateway({ connectTo: postgres.address })
  onTestFinished(neon.close)
  const { file: script } = await buildBundle(folder)
  async function serve(DATABASE_URL: string) {
    const variables = { ...inject('world').bindings, DATABASE_URL, NEON_HTTP_URL: neon.url }
    const worker = await serveWorker({ script, variables })
    onTestFinished(worker.stop)
    return worker.url
  }

  const original = await postgres.createDatabase('accounts')
  await applyMigrations(original)
  const user = userAt(await serve(original), 'ada')
  expect((await user.register()).status).toBe(201)
  const [first, loggedOut, changed] = [
    await user.logIn(PASSWORD),
    await user.logIn(PASSWORD),
    await user.logIn(PASSWORD),
  ]
  expect((await user.logOut(loggedOut)).status).toBe(204)
  expect((await user.changePassword(changed)).status).toBe(200)

  const dump = join(folder, 'accounts.dump')
  const copy = await postgres.createDatabase('restored')
  const run = (program: string, args: string[]) =>
    execFileSync(join(programs, program), args, { stdio: 'pipe' })
  run('pg_dump', ['--format=custom', '--no-owner', original, '--file', dump])
  run('pg_restore', ['--no-owner', '--exit-on-error', '--dbname', copy, dump])

  // Two rotations in the original: the token is ahead of the counter in the copy.
  const { body: once } = await user.refresh(changed)
  const { body: twice } = await user.refresh(once)

  const restored = userAt(await serve(copy), 'ada')
  expect(await restored.me(await restored.logIn(NEW_PASSWORD))).toBe(200)
  for (const ended of [first, loggedOut]) {
    expect((await restored.refresh(ended)).status).toBe(401)
    expect(await restored.me(ended)).toBe(401)
  }
  expect((await restored.refresh(twice)).status).toBe(200)
  expect((await restored.refresh(changed)).status).toBe(401)

  // The triggers and the record of migrations are restored too.
  const client = new pg.Client({ connectionString: copy })
  await client.connect()
  onTestFinished(() => client.end())
  const { rows } = await client.query(
    "select from audit_events where action = 'password_change' and outcome = 'success'",
  )
  expect(rows).toHaveLength(1)
  await expect(client.query('delete from audit_events')).rejects.toThrow('append-only')
  await expect(client.query('truncate audit_events')).rejects.toThrow('append-only')
  const totals = await client.query('select sum(total)::int as total from user_totals')
  expect(totals.rows).toEqual([{ total: 1 }])
  expect(await applyMigrations(copy)).toMatchObject({ applied: 0 })
}
