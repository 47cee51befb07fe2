/** Cloudflare's API as wrangler calls it, for what can't run here: a deployment. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

type Share = { version_id: string; percentage: number }

type Answer = { status?: number; result?: unknown; code?: number; message?: string }

export type Cloudflare = {
  /** What wrangler and scripts need in their environment. */
  variables: Record<string, string>
  /** By Worker, the newest deployment first. */
  deployments: Map<string, Share[][]>
  /** `PUT /workers/scripts/edge-accounts-staging`, in the order of the calls, and their bodies. */
  calls: { call: string; body: string }[]
  /** The next call that matches gets this status. */
  failNext(call: RegExp, status: number): void
  close(): Promise<void>
}

const version = (id: string) => ({
  ...{ id, number: 1, metadata: { created_on: new Date().toISOString(), author_email: '' } },
  resources: { script: { etag: id, handlers: ['fetch'] }, bindings: [], script_runtime: {} },
})

export async function startCloudflare(): Promise<Cloudflare> {
  const deployments: Cloudflare['deployments'] = new Map()
  const calls: Cloudflare['calls'] = []
  let failure: { call: RegExp; status: number } | undefined

  function deploy(worker: string, shares: Share[]) {
    deployments.set(worker, [shares, ...(deployments.get(worker) ?? [])])
  }

  function answer(method: string, path: string, body: string): Answer {
    const [, worker = '', part = ''] =
      /^\/workers\/(?:scripts|services)\/([^/?]+)\/?([^?]*)/.exec(path) ?? []
    if (path.startsWith('/queues')) {
      const name = new URLSearchParams(path.split('?')[1]).get('name')
      return {
        result: path.includes('consumers')
          ? {}
          : [{ queue_id: 'q', queue_name: name, consumers: [] }],
      }
    }
    if (worker === '') return { result: path.includes('/kv/') ? [] : { subdomain: 'acme' } }
    if (method === 'DELETE') {
      return deployments.delete(worker)
        ? {}
        : { status: 404, code: 10007, message: 'no such Worker' }
    }
    if (method === 'PUT' && part === '') {
      const id = randomUUID()
      deploy(worker, [{ version_id: id, percentage: 100 }])
      return { result: { id: worker, deployment_id: id.replaceAll('-', ''), startup_time_ms: 1 } }
    }
    if (method === 'POST' && part === 'versions') {
      return { result: { ...version(randomUUID()), startup_time_ms: 1 } }
    }
    if (part === 'assets-upload-session') return { result: { jwt: 'x.e30.y', buckets: [] } }
    if (!deployments.has(worker)) return { status: 404, code: 10007, message: 'no such Worker' }
    if (part === 'deployments' && method === 'POST') {
      deploy(worker, JSON.parse(body).versions)
      return { result: { id: randomUUID() } }
    }
    if (part === 'deployments') {
      const list = deployments.get(worker) ?? []
      const time = new Date().toISOString()
      return {
        result: {
          deployments: list.map((versions) => ({
            ...{ id: randomUUID(), source: 'wrangler', strategy: 'percentage', created_on: time },
            ...{ author_email: 'ci@example.com', annotations: {}, versions },
          })),
        },
      }
    }
    if (part.startsWith('versions/')) return { result: version(part.slice('versions/'.length)) }
    if (part === 'secrets') return { result: [] }
    if (part === 'schedules') return { result: { schedules: [] } }
    return {
      result: {
        ...{ id: worker, enabled: true, previews_enabled: true, bindings: [] },
        default_environment: {
          environment: 'production',
          script: { last_deployed_from: 'wrangler' },
        },
      },
    }
  }

  async function respond(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? '').replace('/client/v4/accounts/account', '')
    const call = `${request.method} ${path.split('?')[0]}`
    const body = await text(request)
    calls.push({ call, body })
    if (failure?.call.test(call)) {
      const { status } = failure
      failure = undefined
      return { status, code: 1, message: 'made to fail' }
    }
    return answer(request.method ?? '', path, body)
  }

  const server = createServer(async (request, response) => {
    const { status = 200, result = null, code, message } = await respond(request)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(
      JSON.stringify({
        ...{ success: status === 200, result, messages: [] },
        errors: code === undefined ? [] : [{ code, message }],
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    variables: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
      CLOUDFLARE_API_TOKEN: 'cloudflare-token',
      CLOUDFLARE_ACCOUNT_ID: 'account',
      CI: 'true',
    },
    deployments,
    calls,
    failNext: (call, status) => {
      failure = { call, status }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
