// `npm run release`: migrates and deploys an environment, and rolls back what fails its smoke test.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { buildAssets } from './build-assets.ts'
import { CommandError, runCommand } from './command-line.ts'
import { ENVIRONMENTS, plainVariables } from './environments.ts'
import { applyMigrations } from './migrate.ts'
import { dropRecord, readRecord, writeRecord } from './release/record.ts'
import { isSound, type Smoke, smokeOf } from './release/smoke.ts'
import { readDeployment, type Share, wrangler } from './release/wrangler.ts'
import { databaseUrlOf } from './variables.ts'

const ROOT = join(import.meta.dirname, '..')

const NAME = 'npm run release'

type Release = {
  environment: string
  databaseUrl: string
  smoke: Smoke
  settleMs?: number
  /** Of the version, for `wrangler versions list`. */
  message: string
}

/**
 * Migrates, deploys and tests. If the test fails twice, the versions that served before serve again. The
 * migrations stay: the version before works on the newer tables.
 *
 * @returns whether the new version serves
 * @throws {CommandError} if the database or Cloudflare fails; what was deployed is rolled back
 */
export async function release({
  environment,
  databaseUrl,
  smoke,
  settleMs,
  message,
}: Release): Promise<boolean> {
  if (readRecord(environment)) {
    const advice = `Run: ${NAME} -- ${environment} --roll-back`
    throw new CommandError(`An earlier release was interrupted before its smoke test. ${advice}`)
  }
  const before = await readDeployment(environment)
  console.log(`Until now: ${describe(before)}`)
  const { applied, total } = await applyMigrations(databaseUrl)
  console.log(`Migrations applied: ${applied} of ${total}`)

  writeRecord(environment, before)
  try {
    await wrangler('deploy', '--env', environment, '--message', message)
    if (await isSound(smoke, settleMs)) {
      dropRecord(environment)
      return true
    }
  } catch (error) {
    await rollBack(environment)
    throw error
  }
  await rollBack(environment)
  return false
}

/** Ends an open release: what served before it serves again. Does nothing if none is open. */
export async function rollBack(environment: string): Promise<void> {
  const before = readRecord(environment)
  if (!before) return console.log(`No release of ${environment} is open: nothing to roll back.`)
  const now = await readDeployment(environment)
  if (before.length === 0) {
    console.error(`This was the first version of ${environment}: there is none to roll back to.`)
  } else if (describe(before) === describe(now)) {
    console.log(`${describe(now)} still serves ${environment}.`)
  } else {
    const specs = before.map(({ version_id, percentage }) => `${version_id}@${percentage}`)
    const message = `Rolled back from ${now[0]?.version_id}`
    await wrangler(
      'versions',
      'deploy',
      ...specs,
      '--yes',
      '--env',
      environment,
      '--message',
      message,
    )
    console.error(`Rolled back: ${describe(before)} serves ${environment} again.`)
  }
  dropRecord(environment)
}

const describe = (shares: Share[]) =>
  shares
    .map(({ version_id, percentage }) => `${version_id} (${percentage} %)`)
    .toSorted()
    .join(', ') || 'nothing'

/** Migrations hold a lock, which Neon's pooler does not keep. */
function direct(address: string): string {
  const url = new URL(address)
  url.hostname = url.hostname.replace('-pooler.', '.')
  return url.href
}

/** The commit, for whoever reads the list of versions. */
function commit(): string {
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%h %s'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return stdout.trim().slice(0, 100) || 'no commit'
}

if (import.meta.main) {
  await runCommand(
    {
      name: NAME,
      about: `Migrates and deploys an environment, and tests what serves then. If the smoke test fails twice, the
version before serves again.`,
      operands: { usage: '<environment>', most: 1, among: ENVIRONMENTS },
      options: {
        'roll-back': {
          type: 'boolean',
          about: 'end a release that was interrupted: the version before serves again',
        },
      },
      details: `DATABASE_URL is in the shell, and wrangler is logged in or has CLOUDFLARE_API_TOKEN. The smoke test is that of
\`npm run smoke\`, at PUBLIC_URL in wrangler.toml. Migrations are not rolled back: the version before works on the
newer tables.

Exit codes: 0 the new version serves; 1 it does not; 2 the arguments or variables are wrong.`,
    },
    async ({ values, positionals: [environment] }) => {
      if (environment === undefined) {
        throw new CommandError(`Which environment? See: ${NAME} -- --help`, 2)
      }
      if (values['roll-back']) return await rollBack(environment)
      const { PUBLIC_URL: url } = await plainVariables(environment)
      if (!url) {
        throw new CommandError(`Set PUBLIC_URL in [env.${environment}] of wrangler.toml.`, 2)
      }
      const databaseUrl = direct(databaseUrlOf(process.env, `${NAME} -- ${environment}`))
      await buildAssets()
      const smoke = smokeOf(url)
      return (await release({ environment, databaseUrl, smoke, message: commit() })) ? 0 : 1
    },
  )
}
