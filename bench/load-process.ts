/** Started by load.ts, and ends with it. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadRequest, Outcome, Traffic } from './load.ts'

/** A client that was shed waits before it tries again. */
const PAUSE_AFTER_503_MS = 250

const agent = new Agent({ keepAlive: true, maxSockets: Infinity })

/** Each request comes from an address of its own, so that no quota is spent. */
let address = 0

type Call = { method: string; headers: Record<string, string>; body: string | undefined }

/** Status 0: the connection failed. */
function send(url: string, { method, headers, body }: Call) {
  return new Promise<{ status: number; text: string }>((resolve) => {
    const outgoing = request(url, { method, headers, agent }, (response) => {
      const { statusCode = 0 } = response
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: statusCode, text }))
      response.on('error', () => resolve({ status: 0, text }))
    })
    outgoing.on('error', () => resolve({ status: 0, text: '' }))
    outgoing.end(body)
  })
}

function headersOf(token: string | undefined, body: string | undefined): Record<string, string> {
  address++
  return {
    'CF-Connecting-IP': `10.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`,
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(body && {
      'Content-Type': 'application/json',
      'Content-Length': `${Buffer.byteLength(body)}`,
    }),
  }
}

async function generate(origin: string, seconds: number, traffic: Traffic): Promise<Outcome> {
  const { name, callers, method, path, tokens = [], body: template, first = 0 } = traffic
  const { refreshTokens = [] } = traffic
  const end = performance.now() + seconds * 1000
  const statuses: Record<number, number> = {}
  const latencies: number[] = []
  let used = 0
  let inTime = 0
  const caller = async (_: unknown, index: number) => {
    const token = tokens[index % tokens.length]
    let refreshToken = refreshTokens[index] ?? ''
    while (performance.now() < end) {
      const body = template
        ?.replaceAll('{n}', String(first + used++))
        .replace('{refresh_token}', refreshToken)
      const headers = headersOf(token, body)
      const started = performance.now()
      const { status, text } = await send(origin + path, { method, headers, body })
      const now = performance.now()
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status >= 200 && status < 400) {
        latencies.push(now - started)
        if (now <= end) inTime++
        if (refreshToken) refreshToken = JSON.parse(text).refresh_token
      }
      if (status === 503) await sleep(PAUSE_AFTER_503_MS)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return { name, statuses, perSecond: inTime / seconds, latencies, used }
}

process.on('message', async ({ origin, seconds, traffic }: LoadRequest) => {
  process.send?.(await Promise.all(traffic.map((each) => generate(origin, seconds, each))))
})
process.once('disconnect', () => process.exit())
