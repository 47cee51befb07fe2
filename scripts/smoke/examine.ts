import { type Check, runCheck, type Target } from './check.ts'
import { checkAuthentication, checkErrors, checkLimits, checkVersion } from './errors.ts'
import { live, type Means } from './life.ts'
import { checkCors, checkHeaders, checkLeaks } from './protection.ts'
import type { Report } from './report.ts'
import {
  checkDocument,
  checkHealth,
  checkJwks,
  checkLive,
  checkMetrics,
  checkPages,
} from './system.ts'
import { checkTls } from './tls.ts'

const CHECKS: Readonly<Record<string, Check>> = {
  live: checkLive,
  health: checkHealth,
  tls: checkTls,
  headers: checkHeaders,
  cors: checkCors,
  jwks: checkJwks,
  document: checkDocument,
  pages: checkPages,
  errors: checkErrors,
  authentication: checkAuthentication,
  version: checkVersion,
  limits: checkLimits,
  metrics: checkMetrics,
  leaks: checkLeaks,
}

/**
 * Checks a service, and with means lets an account live there.
 *
 * @param interrupted ends that life early
 */
export async function examine(
  target: Target,
  means?: Means,
  interrupted = new AbortController().signal,
): Promise<Report> {
  const startedAt = new Date()
  const read = await Promise.all(
    Object.entries(CHECKS).map(([name, check]) => runCheck(name, check, target)),
  )
  const checks = means ? [...read, ...(await live(target, means, interrupted))] : read
  return {
    url: target.url,
    ok: checks.every(({ status }) => status !== 'failed'),
    started_at: startedAt.toISOString(),
    duration_ms: Date.now() - startedAt.getTime(),
    checks,
  }
}
