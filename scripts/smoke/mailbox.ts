/** Reads emails where they were sent: by Resend's API, which the local mailbox has too. */

import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { CheckError } from './check.ts'

export type Mailbox = {
  /** Waits for the reset link that was sent to this address. @returns it, and how it is known */
  resetLinkTo(address: string, signal: AbortSignal): Promise<{ link: string; how: string }>
}

const RESEND_URL = 'https://api.resend.com'

/** Resend allows two requests a second. */
const POLL_MS = 1000

const Emails = z.object({ data: z.array(z.object({ id: z.string(), to: z.array(z.string()) })) })
const Email = z.object({ text: z.string().nullable(), last_event: z.string() })

const RESET_LINK = /https?:\/\/\S+\/reset-password[?#]token=[^\s&"]+/

/** What Resend says of an email that does not arrive. */
const LOST = ['bounced', 'canceled', 'complained', 'failed', 'suppressed']

type Options = { apiKey: string; baseUrl: string | undefined }

/**
 * @see https://resend.com/docs/api-reference/emails/list-emails
 * @see https://resend.com/docs/api-reference/emails/retrieve-email
 */
export function resendMailbox({ apiKey, baseUrl = RESEND_URL }: Options): Mailbox {
  async function get<Shape extends z.ZodType>(path: string, shape: Shape, signal: AbortSignal) {
    const headers = { Authorization: `Bearer ${apiKey}` }
    const response = await fetch(baseUrl + path, { headers, signal })
    if (response.status === 401 || response.status === 403) {
      throw new CheckError(
        'Resend does not let RESEND_API_KEY read emails: it takes one with full access',
      )
    }
    const { data } = shape.safeParse(response.ok ? await response.json() : undefined)
    return data
  }
  return {
    async resetLinkTo(address, signal) {
      for (;;) {
        const list = await get('/emails?limit=100', Emails, signal)
        for (const { id } of list?.data.filter(({ to }) => to.includes(address)) ?? []) {
          const email = await get(`/emails/${id}`, Email, signal)
          const link = RESET_LINK.exec(email?.text ?? '')?.[0]
          if (!email || !link) continue
          if (LOST.includes(email.last_event)) throw new CheckError(`the email ${email.last_event}`)
          if (email.last_event === 'delivered') return { link, how: 'delivered, says Resend' }
        }
        await sleep(POLL_MS, undefined, { signal })
      }
    },
  }
}

/** Whoever sits at the terminal pastes the link. */
export const askedMailbox: Mailbox = {
  async resetLinkTo(address, signal) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    try {
      const link = await terminal.question(`The link in the email to ${address}: `, { signal })
      return { link: link.trim(), how: 'pasted from the email' }
    } finally {
      terminal.close()
    }
  },
}
