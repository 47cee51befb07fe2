import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateSecretKey, generateSigningKeys } from '../../scripts/keys/generate.ts'
import { checkVariables, explain, list, remarksOn } from './configuration.ts'
import { changedNames, ensureDevVars, parseDevVars, versionsOf } from './dev-vars.ts'
import { PARTS, type Place } from './parts.ts'
import { createService } from './service.ts'

const run = promisify(execFile)

const DELETED =
  '.dev.vars has been deleted. The service keeps running with the configuration before. Restore the ' +
  'file: without it, the next start makes new keys, which sign everybody out.'

/** In a separate process, because it loads src/, which nothing in local/ imports. */
async function buildAssets(folder: string): Promise<void> {
  try {
    await run(process.execPath, [join(folder, 'scripts/build-assets.ts')], { cwd: folder })
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(`Can't build the assets (\`npm run build:assets\`):\n${output.trim()}`)
  }
}

/** With stand-ins for what the parts set once they run: a wrong variable is told before they start. */
function checkCustom(folder: string, local: Record<string, string>, custom: Map<string, string>) {
  const standIns = PARTS.map(({ reads, standIns }) => (custom.has(reads[0]) ? {} : standIns))
  return checkVariables(folder, Object.assign({}, local, ...standIns, Object.fromEntries(custom)))
}

/**
 * Starts the service as soon as .dev.vars is valid, and restarts it whenever that file has changed. While
 * the file is not valid, what runs keeps running.
 *
 * @returns when stopping has begun
 * @throws Error that explains the problem and how to fix it
 */
export async function startEverything(
  place: Place,
  frontendUrl: string | undefined,
): Promise<void> {
  const { folder, ports, stops, say } = place
  const file = join(folder, '.dev.vars')
  const local = {
    PUBLIC_URL: `http://127.0.0.1:${ports.worker}`,
    ...(frontendUrl === undefined ? {} : { FRONTEND_URL: frontendUrl }),
  }
  const service = createService(place, local)
  await buildAssets(folder)
  let remarks = ''
  let isValid = true

  for await (const text of versionsOf(file)) {
    if (stops.begun()) return
    const before = service.runsWith()
    if (before === undefined) {
      const changes = await ensureDevVars(file, {
        SECRET_KEY: generateSecretKey,
        JWT_SIGNING_KEYS: generateSigningKeys,
        METRICS_TOKEN: generateSecretKey,
      })
      changes.forEach(say)
      if (changes.length > 0) continue // The next version.
    }
    if (text === undefined) {
      isValid = false
      say(DELETED)
      continue
    }

    const custom = parseDevVars(text)
    const findings = await checkCustom(folder, local, custom)
    const lines = remarksOn(text, { custom, frontendUrl, unknown: findings.unknown })
    if (lines.join() !== remarks) lines.forEach(say)
    remarks = lines.join()
    if (findings.problems.length > 0) {
      isValid = false
      say(explain(findings.problems, before !== undefined))
      continue
    }

    const changed = changedNames(before ?? new Map(), custom)
    if (!isValid) say('.dev.vars is valid again.')
    isValid = true
    if (changed.length === 0) continue
    if (before !== undefined) say(`Changed in .dev.vars: ${list(changed)}. Restarting …`)
    await service.start(custom, changed)
  }
}
