/** Faults of the network, one at a time, and whether the service is back after each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, type Lane, openLane, type Target } from '../../test/setup/lanes.ts'
import type { Client } from './client.ts'

const FAULTS: { target: Target; fault: Fault }[] = [
  { target: 'upstash', fault: { kind: 'disconnect' } },
  { target: 'neon', fault: { kind: 'status', status: 500, body: '{"message":"down"}' } },
  { target: 'resend', fault: { kind: 'status', status: 500, body: '{}' } },
  { target: 'neon', fault: { kind: 'lose-response' } },
  { target: 'upstash', fault: { kind: 'hang' } },
  { target: 'neon', fault: { kind: 'hang' } },
  { target: 'resend', fault: { kind: 'hang' } },
  { target: 'neon', fault: { kind: 'disconnect' } },
  { target: 'upstash', fault: { kind: 'slow', ms: 1000 } },
  { target: 'neon', fault: { kind: 'cut' } },
  { target: 'resend', fault: { kind: 'disconnect' } },
  { target: 'upstash', fault: { kind: 'garbage' } },
  { target: 'neon', fault: { kind: 'garbage' } },
  { target: 'resend', fault: { kind: 'lose-response' } },
]

/** The longest that the first good response may take once a fault is over. */
const BACK_WITHIN_MS = 5_000

export type Lanes = Record<Target, Lane>

export async function openLanes(proxyUrl: string): Promise<Lanes> {
  const [neon, upstash, resend] = await Promise.all([
    openLane(proxyUrl, 'neon'),
    openLane(proxyUrl, 'upstash'),
    openLane(proxyUrl, 'resend'),
  ])
  return { neon, upstash, resend }
}

/** Two fifths of each period are a fault. @returns how many there were */
export async function injectFaults(
  lanes: Lanes,
  {
    client,
    token,
    periodMs,
    end,
  }: { client: Client; token: string; periodMs: number; end: number },
): Promise<number> {
  let count = 0
  for (; Date.now() + periodMs <= end; count++) {
    const { target, fault } = FAULTS[count % FAULTS.length] ?? {}
    if (!target || !fault) break
    await sleep(periodMs * 0.6)
    await lanes[target].fault(fault)
    await sleep(periodMs * 0.4)
    // What hung is cut off, as by a network that comes back.
    await lanes[target].calm()
    await lanes[target].clear()
    const calmAt = Date.now()
    while ((await client.send({ ...ME, token })).status !== 200) {
      if (Date.now() - calmAt > BACK_WITHIN_MS) {
        client.violate(`after ${target} ${fault.kind}: not back within ${BACK_WITHIN_MS} ms`)
        break
      }
      await sleep(100)
    }
  }
  return count
}

const ME = { method: 'GET', path: '/api/users/me', expect: [200] }
