/** A little of all that the dashboards of monitoring/grafana show. */
import { randomUUID } from 'node:crypto'

const PASSWORD = 'correct horse battery staple'

/** An address from which an hour's reset emails are requested at once. */
const FORGOT_PASSWORD_LIMIT = 10

/** An address of its own, so that callers do not share limits. */
const newAddress = () => `10.${crypto.getRandomValues(new Uint8Array(3)).join('.')}`

type Call = { body?: object; token?: string; address?: string }

function callerOf(url: string) {
  const own = newAddress()
  return async (method: string, path: string, { body, token, address = own }: Call = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        'CF-Connecting-IP': address,
        'Content-Type': 'application/json',
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return response.ok && text ? JSON.parse(text) : {}
  }
}

/** Somebody registers, mistypes, signs in, looks around, changes the password and forgets it. */
export async function liveAsUser(url: string): Promise<void> {
  const call = callerOf(url)
  const username = `load-${randomUUID().slice(0, 8)}`
  const account = { username, email: `${username}@example.com`, password: PASSWORD }
  await call('POST', '/api/users/register', { body: account })
  await call('POST', '/api/users/login', { body: { username, password: 'mistyped password' } })
  const { access_token: token, refresh_token } = await call('POST', '/api/users/login', {
    body: { username, password: PASSWORD },
  })
  for (let i = 0; i < 5; i++) await call('GET', '/api/users/me', { token })
  await call('PUT', '/api/users/me', { token, body: { full_name: 'Grace' } })
  await call('GET', '/api/users/me/sessions', { token })
  await call('POST', '/api/users/change-password', {
    token,
    body: { current_password: PASSWORD, new_password: `${PASSWORD}, changed` },
  })
  await call('POST', '/api/users/refresh', { body: { refresh_token } })
  await call('POST', '/api/password/forgot-password', { body: { email: account.email } })
}

/** Somebody guesses at names and passwords, and gets 401, 404 and 422. */
export async function guess(url: string): Promise<void> {
  const call = callerOf(url)
  for (let i = 0; i < 3; i++) {
    const body = { username: `nobody-${randomUUID().slice(0, 8)}`, password: PASSWORD }
    await call('POST', '/api/users/login', { body })
  }
  await call('GET', '/api/users/me', { token: 'none' })
  await call('GET', '/wp-login.php')
  await call('POST', '/api/users/login', { body: {} })
}

/** Somebody requests a reset email for whoever it is, until the limit: 429. */
export async function requestResets(url: string): Promise<void> {
  const call = callerOf(url)
  for (let i = 0; i <= FORGOT_PASSWORD_LIMIT; i++) {
    await call('POST', '/api/password/forgot-password', { body: { email: 'nobody@example.com' } })
  }
}
