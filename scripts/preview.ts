// `npm run preview`: a Worker and a database of its own for a pull request.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { buildAssets } from './build-assets.ts'
import { CommandError, runCommand } from './command-line.ts'
import { generateSecretKey, generateSigningKeys } from './keys/generate.ts'
import { applyMigrations } from './migrate.ts'
import { NeonError, type NeonProject, neonProject } from './neon.ts'
import { isSound, smokeOf } from './release/smoke.ts'
import { deleteWorker, wrangler } from './release/wrangler.ts'
import { type Values, withoutEmpty } from './variables.ts'

const NAME = 'npm run preview'

const nonempty = z.string('is not set').min(1)
const Needed = z.object({
  UPSTASH_REDIS_REST_URL: nonempty,
  UPSTASH_REDIS_REST_TOKEN: nonempty,
  WORKERS_SUBDOMAIN: nonempty,
})

const workerOf = (pullRequest: string) => `edge-accounts-pr-${pullRequest}`
const branchOf = (pullRequest: string) => `pr-${pullRequest}`

/**
 * Makes a branch of the database, migrates it, and deploys a Worker on it, or all that again. Keys are new
 * each time, and known to the Worker alone.
 *
 * @returns the address of the Worker
 */
export async function openPreview(pullRequest: string, values: Values): Promise<string> {
  const needed = Needed.safeParse(values)
  if (!needed.success) {
    const names = needed.error.issues.map(({ path }) => path.join('.')).join(', ')
    throw new CommandError(`Not set: ${names}. See: ${NAME} -- --help`, 2)
  }
  const { WORKERS_SUBDOMAIN: subdomain, ...redis } = needed.data
  const url = `https://${workerOf(pullRequest)}.${subdomain}.workers.dev`
  const databaseUrl = await projectOf(values).openBranch(branchOf(pullRequest))
  const { applied, total } = await applyMigrations(databaseUrl)
  console.log(`Branch ${branchOf(pullRequest)}: applied ${applied} of ${total} migrations.`)
  await deploy(pullRequest, {
    ...redis,
    PUBLIC_URL: url,
    DATABASE_URL: databaseUrl,
    SECRET_KEY: generateSecretKey(),
    JWT_SIGNING_KEYS: await generateSigningKeys(),
  })
  return url
}

async function deploy(pullRequest: string, secrets: Record<string, string>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-accounts-preview-'))
  const file = join(folder, 'secrets.json')
  try {
    await writeFile(file, JSON.stringify(secrets), { mode: 0o600 })
    const name = ['--env', 'preview', '--name', workerOf(pullRequest)]
    await wrangler('deploy', ...name, '--secrets-file', file)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Deletes both, or what is left of them. */
export async function closePreview(pullRequest: string, values: Values): Promise<void> {
  const results = await Promise.allSettled([
    deleteWorker(workerOf(pullRequest)),
    projectOf(values).deleteBranch(branchOf(pullRequest)),
  ])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function projectOf(values: Values): NeonProject {
  const project = neonProject(values)
  if (!project) throw new CommandError('Not set: NEON_API_KEY or NEON_PROJECT_ID.', 2)
  return project
}

if (import.meta.main) {
  await runCommand(
    {
      name: NAME,
      about: `Deploys a pull request as a Worker of its own, edge-accounts-pr-12, on a branch of the database, and runs
the smoke test on it. Again, it deploys what has changed since.`,
      operands: { usage: '<pull request>', most: 1, least: 1 },
      options: { remove: { type: 'boolean', about: 'delete the Worker and the branch' } },
      details: `In the shell: CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID; NEON_API_KEY and NEON_PROJECT_ID of a project
without personal data, whose default branch is copied; UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN;
WORKERS_SUBDOMAIN, the "acme" of acme.workers.dev. Other secrets are made. Email is not sent.

Exit codes: 0 done; 1 not done, or the smoke test failed; 2 the arguments or variables are wrong.`,
    },
    async ({ values: { remove }, positionals: [pullRequest] }) => {
      if (pullRequest === undefined)
        throw new CommandError(`Which pull request? See: ${NAME} -- --help`, 2)
      const values = withoutEmpty(process.env)
      try {
        if (remove) return await closePreview(pullRequest, values)
        await buildAssets()
        return (await isSound(smokeOf(await openPreview(pullRequest, values)))) ? 0 : 1
      } catch (error) {
        throw error instanceof NeonError ? new CommandError(`${error.message}.`) : error
      }
    },
  )
}
