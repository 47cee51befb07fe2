/** Registering, logging in and staying logged in, and what it leaves in the ledger. */
import { type Client, pause, type Reply } from './client.ts'
import { type AccountLedger, type Count, noteWrite } from './ledger.ts'

const RETRY_MS = 1000
/** A token may be presented again for thirty seconds. */
const GRACE_MS = 25_000

const API = '/api/users'

export type Tokens = { access: string; refresh: string }

export type Surroundings = {
  client: Client
  /** Whether users go on. */
  goesOn(): boolean
  /** The token of the newest reset mail to this address, if one comes soon. */
  resetTokenFor(email: string): Promise<string | undefined>
}

/** Until there is a response: 503 counts as a maybe. Undefined: the soak is over. */
async function insist({ goesOn }: Surroundings, count: Count, send: () => Promise<Reply>) {
  for (;;) {
    const reply = await send()
    if (reply.status !== 503) return reply
    count.maybe++
    if (!goesOn()) return undefined
    await pause(RETRY_MS)
  }
}

const tokensOf = ({ body }: Reply): Tokens => ({
  access: String(body['access_token']),
  refresh: String(body['refresh_token']),
})

const sessionOf = (refresh: string) => refresh.split('.')[0] ?? ''

/** Tries each password that may be the right one. Undefined: capped, or the soak is over. */
export async function logIn(
  around: Surroundings,
  ledger: AccountLedger,
): Promise<Tokens | undefined> {
  const { username, passwords } = ledger
  const candidates = [...passwords].reverse()
  for (const password of candidates) {
    const reply = await insist(around, ledger.logins, () =>
      around.client.send({
        ...{ method: 'POST', path: `${API}/login`, body: { username, password } },
        // Ten logins without a response count as ten failures.
        expect: candidates.length > 1 ? [200, 401, 429] : [200, 429],
      }),
    )
    if (reply?.status !== 200) {
      if (reply?.status === 401) continue
      return undefined
    }
    ledger.logins.sure++
    noteWrite(passwords, password, true)
    const tokens = tokensOf(reply)
    ledger.sessions.set(sessionOf(tokens.refresh), { refreshes: 0, isOpen: false, hasEnded: false })
    return tokens
  }
  if (candidates.length > 1) around.client.violate(`${username}: no password is accepted`)
  return undefined
}

/** Rotates until a response comes; a lost one is repeated with the same token. */
export async function refresh(around: Surroundings, ledger: AccountLedger, tokens: Tokens) {
  const session = ledger.sessions.get(sessionOf(tokens.refresh))
  if (!session) return undefined
  const started = Date.now()
  const reply = await insist(around, { sure: 0, maybe: 0 }, () => {
    session.isOpen = true
    const isLate = Date.now() - started > GRACE_MS
    return around.client.send({
      ...{ method: 'POST', path: `${API}/refresh`, body: { refresh_token: tokens.refresh } },
      expect: isLate ? [200, 401] : [200],
    })
  })
  if (reply?.status !== 200) return undefined
  session.refreshes++
  session.isOpen = false
  return tokensOf(reply)
}

export async function logOut({ client }: Surroundings, ledger: AccountLedger, tokens: Tokens) {
  const body = { refresh_token: tokens.refresh }
  const { status } = await client.send({
    ...{ method: 'POST', path: `${API}/logout`, body, expect: [204] },
  })
  const session = ledger.sessions.get(sessionOf(tokens.refresh))
  if (status !== 204 || !session) return
  session.hasEnded = true
  const rejected = await client.send({
    ...{ method: 'GET', path: `${API}/me`, token: tokens.access, expect: [401] },
  })
  if (rejected.status === 200) client.violate(`${ledger.username}: logged out, but me is 200`)
}

export async function register(around: Surroundings, ledger: AccountLedger) {
  const [password = ''] = ledger.passwords
  const { username, email } = ledger
  const reply = await insist(around, ledger.registered, () =>
    around.client.send({
      ...{ method: 'POST', path: `${API}/register`, body: { username, email, password } },
      expect: ledger.registered.maybe > 0 ? [201, 409] : [201],
    }),
  )
  // 409: an earlier one, without a response, was executed.
  if (reply?.status === 201 || reply?.status === 409) ledger.registered = { sure: 1, maybe: 0 }
  else ledger.registered.maybe = Math.min(1, ledger.registered.maybe)
  return reply
}
