/** An admin who lists users, and changes one who does nothing else. */
import { CANARY, pause } from './client.ts'
import { type AccountLedger, newLedger, noteWrite } from './ledger.ts'
import { register, type Surroundings } from './sign-in.ts'

const THINK_MS = 200
/** The mail service has ten seconds. */
const TEST_EMAIL_TIMEOUT_MS = 20_000

const LISTS = ['', 'is_active=false', 'deleted=true', 'search=soak', 'sort=email&page_size=50']

/** Until the soak is over. `username` is registered and then changed; `token` is a superadmin's. */
export async function workAsAdmin(
  around: Surroundings,
  { token, username }: { token: string; username: string },
): Promise<AccountLedger> {
  const password = `${CANARY.password} ${crypto.randomUUID()}`
  const ledger = newLedger(username, `${username}@${CANARY.emailDomain}`, password)
  const { client, goesOn } = around
  const registered = await register(around, ledger)
  const id = await idOf(around, registered?.body['id'], { token, username })
  if (id === undefined) return ledger
  const path = `/api/admins/users/${id}`
  const send = (method: string, suffix: string, expect: number[], body?: object) =>
    client.send({ method, path: path + suffix, token, expect, ...(body && { body }) })

  for (let round = 0; goesOn(); round++) {
    const list = LISTS[round % LISTS.length]
    await client.send({
      ...{ method: 'GET', path: `/api/admins/users?${list}`, token, expect: [200] },
    })
    const isActive = round % 2 === 1
    const { status } = await send('PATCH', '', [200], { is_active: isActive })
    if (status === 200 || status === 503) noteWrite(ledger.isActive, isActive, status === 200)
    const { status: read, body } = await send('GET', '', [200])
    if (read === 200 && !ledger.isActive.has(body['is_active'] === true)) {
      client.violate(`${username}: is_active is not what the admin wrote`)
    }
    await send('DELETE', '/sessions', [204])
    if (round % 4 === 3) await deleteAndRestore(around, ledger, send)
    await client.send({ method: 'GET', path: '/api/admins/audit', token, expect: [200] })
    if (round % 10 === 0) await sendTestEmail(around, token)
    await pause(THINK_MS)
  }
  return ledger
}

type Send = (method: string, suffix: string, expect: number[]) => Promise<{ status: number }>

/** Until it is restored, or the soak is over. */
async function deleteAndRestore({ goesOn }: Surroundings, ledger: AccountLedger, send: Send) {
  const { status } = await send('DELETE', '', [204])
  if (status === 204 || status === 503) noteWrite(ledger.isDeleted, true, status === 204)
  while (ledger.isDeleted.has(true) && goesOn()) {
    const restored = await send('POST', '/restore', [200])
    if (restored.status === 200) noteWrite(ledger.isDeleted, false, true)
    else await pause(1000)
  }
}

/** 502 is how the admin learns that mail is down. */
const sendTestEmail = ({ client }: Surroundings, token: string) =>
  client.send({
    ...{ method: 'POST', path: '/api/password/test-email', token, expect: [200, 502] },
    body: { to_email: `admin@${CANARY.emailDomain}` },
    timeoutMs: TEST_EMAIL_TIMEOUT_MS,
  })

/** From the response to the registration, or from the list if that was lost. */
async function idOf(
  { client, goesOn }: Surroundings,
  id: unknown,
  { token, username }: { token: string; username: string },
): Promise<number | undefined> {
  if (typeof id === 'number') return id
  while (goesOn()) {
    const path = `/api/admins/users?search=${username}`
    const { status, body } = await client.send({ method: 'GET', path, token, expect: [200] })
    const items = body['items'] as { id: number; username: string }[] | undefined
    if (status === 200) return items?.find((each) => each.username === username)?.id
    await pause(1000)
  }
  return undefined
}
