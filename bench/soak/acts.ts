/** What a user does with an account, and what it leaves in the ledger. */
import { CANARY } from './client.ts'
import { type AccountLedger, noteWrite } from './ledger.ts'
import type { Surroundings, Tokens } from './sign-in.ts'

const API = '/api/users'

export async function changePassword(
  around: Surroundings,
  ledger: AccountLedger,
  { access }: Tokens,
) {
  const [current = ''] = ledger.passwords
  const next = `${CANARY.password} ${crypto.randomUUID()}`
  const { status } = await around.client.send({
    ...{ method: 'POST', path: `${API}/change-password`, token: access },
    ...{ body: { current_password: current, new_password: next }, expect: [200] },
  })
  if (status !== 200 && status !== 503) return
  ledger.passwordChanges[status === 200 ? 'sure' : 'maybe']++
  noteWrite(ledger.passwords, next, status === 200)
}

export async function resetPassword(around: Surroundings, ledger: AccountLedger) {
  const { client } = around
  const { email } = ledger
  const path = '/api/password'
  const forgot = { method: 'POST', path: `${path}/forgot-password`, body: { email }, expect: [200] }
  if ((await client.send(forgot)).status !== 200) return
  const token = await around.resetTokenFor(email)
  if (!token) return
  const password = `${CANARY.password} ${crypto.randomUUID()}`
  const body = { token, new_password: password }
  const { status } = await client.send({
    ...{ method: 'POST', path: `${path}/reset-password`, body, expect: [200] },
  })
  if (status !== 200 && status !== 503) return
  ledger.resets[status === 200 ? 'sure' : 'maybe']++
  noteWrite(ledger.passwords, password, status === 200)
}

export async function updateProfile(
  { client }: Surroundings,
  ledger: AccountLedger,
  { access }: Tokens,
) {
  const name = `Ada ${crypto.randomUUID()}`
  const path = `${API}/me`
  const put = { method: 'PUT', path, token: access, body: { full_name: name }, expect: [200] }
  const { status } = await client.send(put)
  if (status === 200 || status === 503) noteWrite(ledger.fullNames, name, status === 200)
  const { status: read, body } = await client.send({
    ...{ method: 'GET', path, token: access, expect: [200] },
  })
  const fullName = body['full_name'] as string | null
  if (read === 200 && !ledger.fullNames.has(fullName)) {
    client.violate(`${ledger.username}: full_name is not what was written`)
  }
}
