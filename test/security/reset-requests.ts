/** Reset links as people get them: requested over HTTP, delivered by the queue, read in the mailbox. */
import { expect } from 'vitest'
import { mailsTo } from '../setup/accounts.ts'
import { environment, freshAddress, visitor } from '../setup/api.ts'
import type { AccountType } from './calls.ts'
import { deliver, heldQueue } from './faulty-world.ts'

type Requests = { address?: string; type?: AccountType; headers?: Record<string, string> }

/** Requests reset emails from one address, and has them delivered, one after the other. */
export async function requestResets(
  email: string,
  times = 1,
  { address = freshAddress(), type = 'users', headers = {} }: Requests = {},
) {
  const { queue, held } = heldQueue()
  const env = environment({ MAIL_QUEUE: queue })
  const client = visitor({ env, address })
  const path = `${type === 'users' ? '/api/password' : '/api/admins'}/forgot-password`
  for (let i = 0; i < times; i++) {
    const asked = await client.post(path, { email }, { headers })
    expect([asked.status, asked.body]).toEqual([
      200,
      { message: 'If the email exists, a reset link will be sent' },
    ])
    // The queue's consumer takes requests of the same millisecond for one.
    await scheduler.wait(2)
  }
  for (const message of held) await deliver([message], env)
}

export const resetMailsTo = async (email: string, atLeast: number) =>
  (await mailsTo(email, atLeast)).filter(({ text }) => text.includes('token='))

/** The link of a reset email, and how long the email says that it is valid. */
export function linkIn({ text }: { text: string }) {
  const url = new URL(/https?:\S+token=\S+/.exec(text)?.[0] ?? '')
  const fields = url.hash ? new URLSearchParams(url.hash.slice(1)) : url.searchParams
  return {
    token: fields.get('token') ?? '',
    minutes: Number(/expires in (\d+) minutes/.exec(text)?.[1]),
  }
}
