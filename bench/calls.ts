/** One call of each kind, for what is measured one call at a time. */
import { insertAdmin, insertUsers, logIn, PASSWORD } from './accounts.ts'
import type { Dependencies } from './dependencies.ts'

/** What a call waits for, in order, and whether it hashes: the budget of test/steps.test.ts. */
type Budget = { steps: ('redis' | 'postgres' | 'both')[]; hashes: number }

export type Call = Budget & {
  name: string
  status: number
  /** Sends the request. A call has what it needs from {@link prepareCalls}. */
  send(): Promise<Response>
}

/** A request that takes longer hangs. */
const TIMEOUT_MS = 60_000

let address = 0

type Options = { token?: string | undefined; body?: object }

/** A request from an address of its own. */
export async function send(
  origin: string,
  method: string,
  path: string,
  { token, body }: Options = {},
): Promise<Response> {
  address++
  return fetch(origin + path, {
    method,
    headers: {
      'CF-Connecting-IP': `12.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`,
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { 'Content-Type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
}

/** The calls for a Worker at `origin`. `prefix` is for accounts that nobody else uses. */
export async function prepareCalls(
  origin: string,
  { database }: Dependencies,
  prefix: string,
): Promise<Call[]> {
  await insertUsers(database, prefix, 2)
  await insertAdmin(database, `${prefix}-admin`)
  const user = await logIn(origin, `${prefix}-0`)
  const changing = await logIn(origin, `${prefix}-1`)
  const admin = await logIn(origin, `${prefix}-admin`, 'admins')
  let refreshToken = user.refresh_token
  let count = 0
  let passwords: [string, string] = [PASSWORD, 'another horse battery staple']
  const token = user.access_token
  const credentials = { username: `${prefix}-0`, password: PASSWORD }

  const refresh = async () => {
    const body = { refresh_token: refreshToken }
    const response = await send(origin, 'POST', '/api/users/refresh', { body })
    const { refresh_token: next } = (await response.clone().json()) as { refresh_token: string }
    refreshToken = next
    return response
  }
  const register = () => {
    const username = `${prefix}-new-${count++}`
    const body = { username, email: `${username}@example.com`, password: PASSWORD }
    return send(origin, 'POST', '/api/users/register', { body })
  }
  const changePassword = () => {
    const [current_password, new_password] = passwords
    passwords = [new_password, current_password]
    const path = '/api/users/change-password'
    const body = { current_password, new_password }
    return send(origin, 'POST', path, { token: changing.access_token, body })
  }
  const get =
    (path: string, by = token) =>
    () =>
      send(origin, 'GET', path, { token: by })
  const put = () =>
    send(origin, 'PUT', '/api/users/me', { token, body: { full_name: `Ada ${count++}` } })
  const forgot = () =>
    send(origin, 'POST', '/api/password/forgot-password', {
      body: { email: `${prefix}-0@example.com` },
    })
  const login = () => send(origin, 'POST', '/api/users/login', { body: credentials })

  const asked: Budget = { steps: ['both'], hashes: 0 }
  const written: Budget = { steps: ['redis', 'postgres'], hashes: 0 }
  const proven: Budget = { steps: ['both', 'postgres'], hashes: 1 }
  // biome-ignore format: a table
  return [
    { name: 'GET me', ...asked, status: 200, send: get('/api/users/me') },
    { name: 'GET sessions', ...asked, status: 200, send: get('/api/users/me/sessions') },
    { name: 'GET admins/users', ...asked, status: 200, send: get('/api/admins/users', admin.access_token) },
    { name: 'refresh', ...written, status: 200, send: refresh },
    { name: 'PUT me', ...written, status: 200, send: put },
    { name: 'register', ...written, hashes: 1, status: 201, send: register },
    { name: 'login', ...proven, status: 200, send: login },
    { name: 'change-password', ...proven, hashes: 2, status: 200, send: changePassword },
    { name: 'forgot-password', steps: ['redis'], hashes: 0, status: 200, send: forgot },
  ]
}
