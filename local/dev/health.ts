import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'

const POLL_MS = 1000
const TIMEOUT_MS = 3000
/** /health shares a result for 5 s, and on a busy machine the first one may be of a slow start. */
const PATIENCE_MS = 6000

const Health = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  database: z.object({ connected: z.boolean(), error: z.nullable(z.string()) }),
  redis: z.object({ connected: z.boolean() }),
  email_configured: z.boolean(),
})

interface Report {
  isReady: boolean
  /** Whether waiting may change it: a dependency does not respond. */
  mayPass: boolean
  /** What is wrong, in sentences. Empty if nothing is. */
  reasons: string[]
}

function reasonsOf({ database, redis, email_configured }: z.output<typeof Health>): string[] {
  const reasons: string[] = []
  if (database.error === 'not_configured') {
    reasons.push('The Worker rejects its configuration: see configuration_invalid in the log.')
  } else if (!database.connected) {
    reasons.push('The database does not respond. Check DATABASE_URL in .dev.vars.')
  }
  if (!redis.connected && database.connected) {
    reasons.push(
      'Redis does not respond, so limits are not counted and password resets get 503. ' +
        'Check UPSTASH_REDIS_REST_URL in .dev.vars.',
    )
  }
  if (!email_configured && database.connected) {
    reasons.push('No email is sent: set EMAIL_FROM in .dev.vars.')
  }
  return reasons
}

/** What the service says about itself. */
async function readHealth(url: string): Promise<Report> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const health = Health.parse(await response.json())
    return {
      isReady: health.status !== 'unhealthy',
      mayPass: !health.database.connected || !health.redis.connected,
      reasons: reasonsOf(health),
    }
  } catch {
    const reasons = [`The Worker does not respond at ${url}/health.`]
    return { isReady: false, mayPass: true, reasons }
  }
}

/**
 * Resolves when the service is healthy or degraded, with what is impaired. Undefined: the signal has aborted.
 *
 * @param problem what else keeps calls from succeeding
 * @param onWait called with the reasons, when they are new
 */
export async function untilReady(
  url: string,
  {
    signal,
    problem,
    onWait,
  }: {
    signal: AbortSignal
    problem: () => Promise<string | undefined>
    onWait: (reasons: string[]) => void
  },
): Promise<string[] | undefined> {
  const patientUntil = Date.now() + PATIENCE_MS
  let said = ''
  while (!signal.aborted) {
    const { isReady, mayPass, reasons } = await readHealth(url)
    const other = isReady ? await problem() : undefined
    if (other !== undefined) reasons.push(other)
    const isPatient = mayPass && Date.now() < patientUntil
    if (signal.aborted) return undefined
    if (isReady && other === undefined && !isPatient) return reasons
    if (!isPatient && reasons.join() !== said) {
      said = reasons.join()
      onWait(reasons)
    }
    await sleep(POLL_MS)
  }
  return undefined
}
