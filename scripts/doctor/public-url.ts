import type { Config } from '../../src/env.ts'
import { RENEWED_DAYS, readCertificate } from '../certificate.ts'
import { connectionProblem, type Finding, fail, ok, responseTimeout, warn } from './finding.ts'

/** What browsers and their preload lists take for lasting. @see https://hstspreload.org */
const HSTS_SECONDS = 365 * 24 * 60 * 60

const ADVICE = 'See "Domain, TLS, DNS" in docs/deployment.md.'

/** The service at PUBLIC_URL, as a browser meets it: certificate, HSTS, redirect from http. */
export async function checkPublicUrl({ publicUrl }: Pick<Config, 'publicUrl'>): Promise<Finding[]> {
  if (publicUrl === undefined) {
    return [warn('certificate', 'PUBLIC_URL is not set, so the address is not checked.')]
  }
  const url = new URL(publicUrl)
  if (url.protocol !== 'https:') return []
  const certificate = await checkCertificate(url)
  if (certificate.level !== 'ok') return [certificate]
  return [certificate, await checkHsts(url), ...(url.port === '' ? [await checkRedirect(url)] : [])]
}

async function checkCertificate(url: URL): Promise<Finding> {
  const { hostname } = url
  const isLate = responseTimeout()
  try {
    const { days } = await readCertificate(url, { signal: isLate })
    return days < RENEWED_DAYS
      ? fail('certificate', `of ${hostname} ends in ${days} days and was not renewed. ${ADVICE}`)
      : ok('certificate', `of ${hostname} is valid for ${days} days`)
  } catch (error) {
    const problem = connectionProblem(isLate.aborted ? isLate.reason : error)
    return isUnknownHost(error)
      ? warn(
          'certificate',
          `${hostname} does not exist: is this before the first deploy? ${ADVICE}`,
        )
      : fail('certificate', `${hostname} ${problem}. ${ADVICE}`)
  }
}

const isUnknownHost = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ENOTFOUND'

async function checkHsts(url: URL): Promise<Finding> {
  const answer = await get(healthOf(url))
  if (typeof answer === 'string') return fail('hsts', `${url.hostname} ${answer}. ${ADVICE}`)
  const header = answer.headers.get('strict-transport-security') ?? ''
  const seconds = Number(/max-age=(\d+)/i.exec(header)?.[1] ?? 0)
  return seconds < HSTS_SECONDS
    ? fail('hsts', `${url.hostname} does not send it for a year: is this service there? ${ADVICE}`)
    : ok('hsts', `for ${Math.floor(seconds / HSTS_SECONDS)} year`)
}

/** @param url of the service; its counterpart without TLS is asked */
export async function checkRedirect(url: URL): Promise<Finding> {
  const answer = await get(Object.assign(healthOf(url), { protocol: 'http:' }))
  if (typeof answer === 'string') return ok('redirect', 'nothing responds without TLS')
  const to = answer.headers.get('location') ?? ''
  return answer.status >= 300 && answer.status < 400 && to.startsWith('https:')
    ? ok('redirect', 'http leads to https')
    : fail('redirect', `http responds with ${answer.status}: turn on "Always Use HTTPS". ${ADVICE}`)
}

const healthOf = ({ href }: URL) => new URL(`${href.replace(/\/$/, '')}/health/live`)

/** @returns the response, or why there was none */
const get = (url: URL): Promise<Response | string> =>
  fetch(url, { redirect: 'manual', signal: responseTimeout() }).catch(connectionProblem)
