import { type Check, ok, warn } from './finding.ts'

/** Which keys sign and verify. Whether they are sound, `readConfig` has found out. */
export const checkKeys: Check = async ({ signingKeys, previousSecretKey }) => {
  const others = signingKeys.length - 1
  const verifying = others > 0 ? `, ${others} more can verify` : ''
  const findings = [ok('keys', `${signingKeys[0]?.kid} signs${verifying}`)]
  if (previousSecretKey === undefined) return findings
  const advice = 'Remove it once the log has no more `previous_key_used`.'
  return [...findings, warn('keys', `SECRET_KEY_PREVIOUS still verifies. ${advice}`)]
}
