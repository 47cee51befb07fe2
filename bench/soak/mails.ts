/** Reads the mailbox of the soak. */
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 300
const PAGE = 100

type Mail = { id: string; to: string[]; subject: string }

async function get<Body>(url: string): Promise<Body> {
  return (await fetch(url)).json() as Promise<Body>
}

/** How many mails each address got, by the first word of the subject. */
export async function countMails(mailboxUrl: string): Promise<Map<string, Map<string, number>>> {
  const counts = new Map<string, Map<string, number>>()
  let after = ''
  for (let more = true; more; ) {
    const page = await get<{ data: Mail[]; has_more: boolean }>(
      `${mailboxUrl}/emails?limit=${PAGE}${after && `&after=${after}`}`,
    )
    for (const { to, subject } of page.data) {
      const [kind = ''] = subject.split(' ')
      for (const address of to) {
        const own = counts.get(address) ?? new Map<string, number>()
        counts.set(address, own.set(kind, (own.get(kind) ?? 0) + 1))
      }
    }
    after = page.data.at(-1)?.id ?? ''
    more = page.has_more
  }
  return counts
}

/** The token of the reset mail to this address. Undefined: none has come in time. */
export async function findResetToken(
  mailboxUrl: string,
  email: string,
  timeoutMs: number,
): Promise<string | undefined> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(POLL_MS)) {
    const { data } = await get<{ data: Mail[] }>(`${mailboxUrl}/emails?limit=${PAGE}`)
    const mail = data.find(({ to, subject }) => to.includes(email) && subject.startsWith('Reset'))
    if (!mail) continue
    const { text } = await get<{ text: string }>(`${mailboxUrl}/emails/${mail.id}`)
    const token = /[?&#]token=(\S+)/.exec(text)?.[1]
    return token && decodeURIComponent(token)
  }
  return undefined
}
