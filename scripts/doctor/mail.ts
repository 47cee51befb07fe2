import * as z from 'zod'
import type { Config } from '../../src/env.ts'
import { answerLimit, type Check, type Finding, silence } from './finding.ts'

const RESEND_URL = 'https://api.resend.com'

/** A domain that everybody may use, for mails to the owner of the account alone. */
const TRIAL_DOMAIN = 'resend.dev'

const Domains = z.object({ data: z.array(z.object({ name: z.string(), status: z.string() })) })
const Refusal = z.object({ name: z.string() })

const finding = (level: Finding['level'], words: string): Finding[] => [
  { about: 'mail', level, words },
]

/**
 * Resend takes the key and has verified the sender's domain. Sends nothing.
 *
 * @see https://resend.com/docs/api-reference/domains/list-domains
 * @see https://resend.com/docs/api-reference/errors
 */
export const checkMail: Check = async ({ mail }) => {
  if (!mail) {
    return finding(
      'warn',
      'RESEND_API_KEY or EMAIL_FROM is not set: no mail goes out, and /health says degraded.',
    )
  }
  try {
    const answer = await ask(mail, '/domains?limit=100')
    if (answer.status === 200) return sender(mail.from, await answer.json())
    // A stand-in such as the local mail box knows no domains, but mails.
    if (answer.status === 404 || answer.status === 405) return await standIn(mail)
    return refused(answer.status, await answer.json().catch(() => null))
  } catch (error) {
    return finding('FAIL', `Resend ${silence(error)}. Is RESEND_BASE_URL right, or better unset?`)
  }
}

type Mail = NonNullable<Config['mail']>

const ask = ({ apiKey, baseUrl }: Mail, path: string) =>
  fetch((baseUrl ?? RESEND_URL) + path, {
    headers: { Authorization: `Bearer ${apiKey}` },
    signal: answerLimit(),
  })

function sender(from: string, answer: unknown): Finding[] {
  const name = from.replace(/>$/, '').split('@').at(-1)?.toLowerCase() ?? ''
  const parsed = Domains.safeParse(answer)
  if (!parsed.success) return finding('FAIL', 'what answers at RESEND_BASE_URL is not Resend.')
  const domain = parsed.data.data.find((each) => each.name.toLowerCase() === name)
  if (domain?.status === 'verified') {
    return finding('ok', `Resend takes the key and has verified ${name}`)
  }
  if (name === TRIAL_DOMAIN) {
    return finding('warn', `from ${name}, Resend sends to the owner of the account alone.`)
  }
  return finding(
    'FAIL',
    domain
      ? `Resend has not verified ${name} yet. Complete its DNS records: https://resend.com/domains`
      : `Resend does not know the domain of EMAIL_FROM, ${name}. Add it: https://resend.com/domains`,
  )
}

async function standIn(mail: Mail): Promise<Finding[]> {
  const answer = await ask(mail, '/emails?limit=1')
  return answer.status === 200
    ? finding('ok', 'a stand-in for Resend takes the key; it knows no domains')
    : refused(answer.status, await answer.json().catch(() => null))
}

function refused(status: number, answer: unknown): Finding[] {
  const { data } = Refusal.safeParse(answer)
  if (data?.name === 'restricted_api_key') {
    return finding('ok', 'Resend takes the key, which may only send: its domain is not told')
  }
  if (status === 429) {
    return finding('warn', 'Resend answers too many requests at the moment. Try again later.')
  }
  return [400, 401, 403].includes(status)
    ? finding('FAIL', 'Resend refuses RESEND_API_KEY. Make one: https://resend.com/api-keys')
    : finding('FAIL', `Resend answers HTTP ${status}. See https://resend-status.com`)
}
