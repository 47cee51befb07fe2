/** How tests call the Worker. Every response is checked against the OpenAPI document. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env as bindings } from 'cloudflare:workers'
import { expect } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import { expectDocumented } from './conformance.ts'

export type ApiResponse<Body = Record<string, unknown>> = {
  status: number
  headers: Headers
  body: Body
  text: string
}

type Options = {
  token?: string | undefined
  headers?: Record<string, string>
  /** Sent unchanged, instead of JSON. */
  raw?: BodyInit
}

/** The Worker's bindings, some of them replaced. */
export const environment = (replaced: Partial<Bindings> = {}): Bindings =>
  ({ ...(bindings as unknown as Bindings), ...replaced }) as Bindings

/** An address that no other test uses, so that tests do not share rate limits. */
export function freshAddress() {
  const bytes = crypto.getRandomValues(new Uint8Array(3))
  return `10.${bytes.join('.')}`
}

/** Sends a request to the Worker and waits for everything the request started. */
export async function send(request: Request, env: Bindings = environment()): Promise<ApiResponse> {
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
  const received = { status, headers, text, body: isJson ? JSON.parse(text) : {} }
  await expectDocumented(request, received)
  return received
}

type VisitorOptions = {
  address?: string
  env?: Bindings
  token?: string
  cf?: RequestInitCfProperties
}

/** A client with its own address and, if given, an access token sent with every request. */
export function visitor({ address = freshAddress(), env, token, cf }: VisitorOptions = {}) {
  // `any`: the shape of the body is what tests are about.
  async function call(
    method: string,
    path: string,
    body?: unknown,
    options: Options = {},
  ): Promise<ApiResponse<any>> {
    const headers = new Headers({ 'CF-Connecting-IP': address, ...options.headers })
    const bearer = options.token ?? token
    if (bearer) headers.set('Authorization', `Bearer ${bearer}`)
    if (body !== undefined && !headers.has('Content-Type')) {
      headers.set('Content-Type', 'application/json')
    }
    const sent = options.raw ?? (body === undefined ? null : JSON.stringify(body))
    const init = { method, headers, body: sent, ...(cf && { cf }) }
    return send(new Request(`https://accounts.example.com${path}`, init), env)
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

export function expectError(
  response: ApiResponse,
  status: number,
  error: string,
  message?: string,
) {
  expect(response.body).toMatchObject({ status_code: status, error, ...(message && { message }) })
  expect(response.status).toBe(status)
}
