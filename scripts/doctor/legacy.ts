import { isUnguessable } from '../../src/env/secrets.ts'
import { type Check, warn } from './finding.ts'

/** Whether tokens of the former service are accepted, which should end one day. */
export const checkLegacy: Check = async ({ legacy }) => {
  if (!legacy) return []
  const remove = 'Remove LEGACY_SECRET_KEY and LEGACY_UNTIL'
  if (Date.now() >= legacy.until) return [warn('old tokens', `LEGACY_UNTIL is over. ${remove}.`)]
  const found = [
    warn('old tokens', `accepted. ${remove} once the log has no more \`legacy_…\` events.`),
  ]
  if (isUnguessable(legacy.secretKey)) return found
  const risk = 'LEGACY_SECRET_KEY may be guessed: with it, anybody can act as any adopted account.'
  return [
    ...found,
    warn('old tokens', `${risk} See "Nobody is logged out" in the migration guide.`),
  ]
}
