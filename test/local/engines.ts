import { execFileSync } from 'node:child_process'
import { Redis } from '@upstash/redis'
import { afterAll } from 'vitest'
import { startUpstashGateway } from '../../local/upstash/index.ts'

export function isRedisServerInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
}

/** Starts a gateway for each engine that is available on this machine. They are closed after the tests. */
export async function startGateways() {
  const engines = isRedisServerInstalled() ? (['redis', 'memory'] as const) : (['memory'] as const)
  const started = await Promise.all(
    engines.map(async (engine) => ({ engine, gateway: await startUpstashGateway({ engine }) })),
  )
  afterAll(() => Promise.all(started.map(({ gateway }) => gateway.close())))
  return started.map(({ engine, gateway }) => ({
    engine,
    gateway,
    redis: new Redis({ url: gateway.url, token: gateway.token, retry: false }),
  }))
}
