import { NeonError, neonProject } from '../neon.ts'
import type { Values } from '../variables.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const HOUR = 60 * 60
const DAY = 24 * HOUR

/** How far back Neon can restore, by its API: SQL does not tell. */
export const checkBackups = async (values: Values): Promise<Finding[]> => {
  const project = neonProject(values)
  if (!project) {
    const advice = 'Set NEON_API_KEY and NEON_PROJECT_ID in the shell, or look in the console'
    return [warn('backups', `how far back Neon can restore is not checked. ${advice}.`)]
  }
  try {
    const seconds = await project.historySeconds()
    return [
      seconds < DAY
        ? fail('backups', `Neon can restore ${seconds / HOUR} hours back. Set at least a day.`)
        : ok('backups', `Neon can restore ${Math.floor(seconds / DAY)} days back`),
    ]
  } catch (error) {
    if (!(error instanceof NeonError)) throw error
    return [fail('backups', `${error.message}.`)]
  }
}
