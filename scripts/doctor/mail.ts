import * as z from 'zod'
import type { Config } from '../../src/env.ts'
import {
  type Check,
  connectionProblem,
  type Finding,
  fail,
  ok,
  responseTimeout,
  warn,
} from './finding.ts'

const RESEND_URL = 'https://api.resend.com'

/** Resend's shared domain for trials. It only sends to the owner of the Resend account. */
const TRIAL_DOMAIN = 'resend.dev'

const Domains = z.object({ data: z.array(z.object({ name: z.string(), status: z.string() })) })
const ResendError = z.object({ name: z.string() })

/**
 * Resend accepts the API key and has verified the sender's domain. Sends no email.
 *
 * @see https://resend.com/docs/api-reference/domains/list-domains
 * @see https://resend.com/docs/api-reference/errors
 */
export const checkMail: Check = async ({ mail }) => [await checkResend(mail)]

async function checkResend(mail: Config['mail']): Promise<Finding> {
  if (!mail) {
    const effect = 'no email is sent, and /health returns degraded'
    return warn('mail', `RESEND_API_KEY or EMAIL_FROM is not set: ${effect}.`)
  }
  try {
    const response = await get(mail, '/domains?limit=100')
    if (response.status === 200) return checkDomain(mail.from, await response.json())
    // The local mailbox has no domains, but emails.
    if (response.status === 404 || response.status === 405) {
      const emails = await get(mail, '/emails?limit=1')
      return emails.status === 200
        ? ok('mail', 'the API key works. This is not Resend, so the domain is not checked')
        : await describeError(emails)
    }
    return await describeError(response)
  } catch (error) {
    return fail('mail', `Resend ${connectionProblem(error)}. Check RESEND_BASE_URL, or unset it.`)
  }
}

type Mail = NonNullable<Config['mail']>

const get = ({ apiKey, baseUrl }: Mail, path: string) =>
  fetch((baseUrl ?? RESEND_URL) + path, {
    headers: { Authorization: `Bearer ${apiKey}` },
    signal: responseTimeout(),
  })

function checkDomain(from: string, body: unknown): Finding {
  const name = from.replace(/>$/, '').split('@').at(-1)?.toLowerCase() ?? ''
  const parsed = Domains.safeParse(body)
  if (!parsed.success) return fail('mail', 'the service at RESEND_BASE_URL is not Resend.')
  const domain = parsed.data.data.find((each) => each.name.toLowerCase() === name)
  if (domain?.status === 'verified') {
    return ok('mail', `Resend accepts the API key and has verified ${name}`)
  }
  if (name === TRIAL_DOMAIN) {
    return warn('mail', `from ${name}, Resend only sends to the owner of the Resend account.`)
  }
  const problem = domain
    ? `Resend has not verified ${name} yet. Complete its DNS records`
    : `Resend does not know the domain of EMAIL_FROM, ${name}. Add it`
  return fail('mail', `${problem}: https://resend.com/domains`)
}

async function describeError(response: Response): Promise<Finding> {
  const { status } = response
  const { data } = ResendError.safeParse(await response.json().catch(() => null))
  if (data?.name === 'restricted_api_key') {
    return ok('mail', 'Resend accepts the API key. It may only send, so the domain is not checked')
  }
  if (status === 429) return warn('mail', 'Resend returns too many requests. Try again later.')
  return [400, 401, 403].includes(status)
    ? fail('mail', 'Resend rejects RESEND_API_KEY. Create one: https://resend.com/api-keys')
    : fail('mail', `Resend returns HTTP ${status}. See https://resend-status.com`)
}
