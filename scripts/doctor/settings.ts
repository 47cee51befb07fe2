import { type Check, type Finding, fail, ok, warn } from './finding.ts'

/** 48 random bytes in base64url, as `npm run keys` makes them. */
const SECRET_KEY_CHARACTERS = 64

/** What is valid, but not for production. */
export const checkSettings: Check = async (config) => {
  const findings: Finding[] = []
  if (config.logLevel === 'debug') {
    findings.push(warn('settings', 'LOG_LEVEL is debug: more lines to pay for. Set info.'))
  }
  if (config.secretKey.length < SECRET_KEY_CHARACTERS) {
    const advice = `It has ${config.secretKey.length} characters, npm run keys makes ${SECRET_KEY_CHARACTERS}.`
    findings.push(warn('settings', `SECRET_KEY is short. ${advice}`))
  }
  if (config.metricsToken === undefined) {
    findings.push(warn('settings', 'METRICS_TOKEN is not set: there is nothing to alert on.'))
  }
  if (!/[?&]sslmode=(require|verify-ca|verify-full)\b/.test(config.database.url)) {
    const effect = 'npm run migrate and pg_dump would not ask for TLS'
    findings.push(fail('settings', `DATABASE_URL has no sslmode=require: ${effect}.`))
  }
  return findings.length > 0 ? findings : [ok('settings', 'as production needs them')]
}
