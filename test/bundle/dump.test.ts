/** `npm run backup` and `npm run restore-drill`, and the Worker on what was restored. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { serveWorker } from '../../bench/workerd.ts'
import { startNeonGateway } from '../../local/neon/index.ts'
import { differences, readContents } from '../../scripts/backup/contents.ts'
import { readManifest } from '../../scripts/backup/manifest.ts'
import { findPrograms as findClient } from '../../scripts/backup/programs.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { runProgram } from '../setup/program.ts'
import type {} from '../setup/world.ts'
import { builtBundle } from './built-bundle.ts'
import { findPrograms, startInstalledPostgres } from './installed-postgres.ts'
import { call, PASSWORD } from './served-bundle.ts'

const NEW_PASSWORD = 'another long password'

const programs = findPrograms()

if (programs) {
  test(`32: of a database restored by npm run restore-drill with ${programs}, logins work, ended sessions stay ended, and sessions that were refreshed since stay valid`, () =>
    testDump(programs))
} else {
  test('32: npm run backup and npm run restore-drill are not tested without an installed PostgreSQL (apt-get install postgresql)', () => {
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
  const { file: script } = await builtBundle()
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

  const backups = join(folder, 'backups')
  const backup = (DATABASE_URL: string) =>
    runProgram('scripts/backup.ts', ['--to', backups], { DATABASE_URL })
  const drill = (...args: string[]) =>
    runProgram('scripts/restore-drill.ts', ['--from', backups, ...args])
  const copy = await postgres.createDatabase('restored')

  expect(await backup(original)).toMatchObject({ code: 0, stderr: '' })
  const [dump = '', manifestFile = ''] = (await readdir(backups)).toSorted()
  expect([dump, manifestFile]).toEqual([
    expect.stringMatching(/^accounts-[\dTZ-]+\.dump$/),
    dump.replace('.dump', '.json'),
  ])
  for (const name of [dump, manifestFile]) {
    expect((await stat(join(backups, name))).mode & 0o777).toBe(0o600)
  }
  const manifest = await readManifest(join(backups, dump))
  expect(manifest.contents.tables['public.users']?.rows).toBe(1)

  expect(await drill('--into', copy)).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      /Restored in [\d.]+ s.*public\.users: 1 rows.*Reconciled .*passed\nNewest row: .* \d min old.*\nSound, /s,
    ),
    stderr: '',
  })

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
    "select from audit_events where action = 'password_change' and outcome = 'success' and actor_id = 1",
  )
  expect(rows).toHaveLength(1)
  await expect(client.query('delete from audit_events')).rejects.toThrow('append-only')
  await expect(client.query('truncate audit_events')).rejects.toThrow('append-only')
  const totals = await client.query('select sum(total)::int as total from user_totals')
  expect(totals.rows).toEqual([{ total: 1 }])
  expect(await applyMigrations(copy)).toMatchObject({ applied: 0 })

  // What does not reconcile is named.
  const differing = async () => differences(manifest.contents, await readContents(client))
  expect(await differing()).toContainEqual(
    expect.stringMatching(/^public\.audit_events has \d+ rows instead of \d+$/),
  )
  await client.query(`update users set full_name = 'Ada'`)
  expect(await differing()).toContain('public.users has rows with other values')
  await client.query('delete from users')
  expect(await differing()).toContain('public.users has 0 rows instead of 1')
  await client.query(`drop table outbox; select setval('users_id_seq', 1, false)`)
  expect(await differing()).toEqual(
    expect.arrayContaining([
      'public.outbox was not restored',
      'public.users_id_seq is behind: ids would be given twice',
    ]),
  )

  // Nothing is overwritten, and what is damaged is not restored.
  const refusal = await drill('--into', original)
  expect(refusal).toMatchObject({ code: 2, stderr: expect.stringContaining('is not empty') })
  const bytes = await readFile(join(backups, dump))
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9)
  await writeFile(join(backups, dump), bytes)
  expect(await drill()).toMatchObject({ code: 1, stderr: expect.stringContaining('is damaged') })

  // A dump that fails leaves no file, and prints no password.
  await client.query(`create role stranger login password 'canary'`)
  const before = await readdir(backups)
  const stranger = new URL(original)
  Object.assign(stranger, { username: 'stranger', password: 'canary' })
  const failed = await backup(stranger.href)
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^pg_dump failed: /) })
  expect(failed.stderr).not.toContain('canary')
  expect(await readdir(backups)).toEqual(before)
  const pooled = await backup('postgresql://me:canary@ep-a-pooler.eu.neon.tech/accounts')
  expect(pooled).toMatchObject({ code: 2, stderr: expect.stringContaining('direct connection') })
}

test('npm run backup says which client it needs when none is new enough', () => {
  expect(() => findClient(99)).toThrow(
    /^pg_dump and pg_restore of PostgreSQL 99 or later are needed \(found: .+\)\. Install the client: /,
  )
})
