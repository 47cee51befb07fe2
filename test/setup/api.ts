/** How tests call the Worker: as a visitor with an address, who is told when an answer breaks the contract. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env as bindings } from 'cloudflare:workers'
import { expect } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import { expectDocumented } from './conformance.ts'

export type Answer<Body = Record<string, unknown>> = {
  status: number
  headers: Headers
  body: Body
  text: string
}

type Options = {
  token?: string | undefined
  headers?: Record<string, string>
  /** Sent as it is, instead of JSON. */
  raw?: BodyInit
}

/** The bindings of the tests' Worker, some of them replaced. */
export const environment = (replaced: Partial<Bindings> = {}): Bindings =>
  ({ ...(bindings as unknown as Bindings), ...replaced }) as Bindings

/** An address that no other test uses, so that limits don't meet. */
export function freshAddress() {
  const bytes = crypto.getRandomValues(new Uint8Array(3))
  return `10.${bytes.join('.')}`
}

/** Sends one request into the Worker and waits until everything it started has ended. */
export async function send(request: Request, env: Bindings = environment()): Promise<Answer> {
  const context = createExecutionContext()
  const response = await worker.fetch(
    request as Request<unknown, IncomingRequestCfProperties>,
    env,
    context,
  )
  const text = await response.text()
  await waitOnExecutionContext(context)
  const isJson = text && response.headers.get('Content-Type')?.startsWith('application/json')
  const { status, headers } = response
  const answer = { status, headers, text, body: isJson ? JSON.parse(text) : {} }
  await expectDocumented(request, answer)
  return answer
}

/** Somebody who calls from an address of their own. */
export function visitor({
  address = freshAddress(),
  env,
}: {
  address?: string
  env?: Bindings
} = {}) {
  // What an answer holds is what a test is about: no type can tell.
  async function call(
    method: string,
    path: string,
    body?: unknown,
    options: Options = {},
  ): Promise<Answer<any>> {
    const headers = new Headers({ 'CF-Connecting-IP': address, ...options.headers })
    if (options.token) headers.set('Authorization', `Bearer ${options.token}`)
    if (body !== undefined && !headers.has('Content-Type')) {
      headers.set('Content-Type', 'application/json')
    }
    const sent = options.raw ?? (body === undefined ? null : JSON.stringify(body))
    return send(
      new Request(`https://accounts.example.com${path}`, { method, headers, body: sent }),
      env,
    )
  }
  return {
    address,
    call,
    get: (path: string, options?: Options) => call('GET', path, undefined, options),
    post: (path: string, body?: unknown, options?: Options) => call('POST', path, body, options),
    put: (path: string, body?: unknown, options?: Options) => call('PUT', path, body, options),
    patch: (path: string, body?: unknown, options?: Options) => call('PATCH', path, body, options),
    delete: (path: string, body?: unknown, options?: Options) =>
      call('DELETE', path, body, options),
  }
}

export type Visitor = ReturnType<typeof visitor>

/** The uniform error body, with this name and message. */
export function expectError(answer: Answer, status: number, error: string, message?: string) {
  expect(answer.body).toMatchObject({ status_code: status, error, ...(message && { message }) })
  expect(answer.status).toBe(status)
}
