import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig as readConfig } from 'wrangler'

const ENVIRONMENTS = ['development', 'staging', 'production'] as const

const configOf = (name: (typeof ENVIRONMENTS)[number]) =>
  readConfig({
    config: join(import.meta.dirname, '../../wrangler.toml'),
    ...(name !== 'development' && { env: name }),
  })

const configs = ENVIRONMENTS.map((name) => ({ name, config: configOf(name) }))

describe.each(configs)('wrangler.toml, $name', ({ name, config }) => {
  test('has every binding of the Worker', () => {
    expect(config.vars).toEqual({ ENVIRONMENT: name })
    expect(config.assets).toEqual({
      directory: 'dist/assets',
      binding: 'ASSETS',
      run_worker_first: true,
    })
    expect(config.ratelimits.map((limit: { name: string }) => limit.name)).toEqual([
      'FALLBACK_LIMITER',
    ])
    expect(config.queues.producers?.map((queue: { binding: string }) => queue.binding)).toEqual([
      'MAIL_QUEUE',
    ])
  })

  test('takes the mails that it queues, and keeps those that never went', () => {
    const queue = config.queues.producers?.[0]?.queue
    expect(config.queues.consumers).toEqual([
      expect.objectContaining({ queue, max_retries: 10, dead_letter_queue: `${queue}-dead` }),
    ])
  })

  test('runs the cron, is observed, and stands near the database', () => {
    expect(config.triggers.crons).toEqual(['*/5 * * * *'])
    expect(config.observability?.enabled).toBe(true)
    expect(config.placement).toEqual({ mode: 'smart' })
    expect(config.minify).toBe(true)
  })
})

test('environments share no name, queue or counter', () => {
  const own = configs.flatMap(({ config }) => [
    config.name,
    config.queues.producers?.[0]?.queue,
    config.ratelimits[0]?.namespace_id,
  ])
  expect(own).not.toContain(undefined)
  expect(new Set(own).size).toBe(own.length)
})

test('the compatibility date is at most a year old', () => {
  const date = Date.parse(configOf('production').compatibility_date ?? '')
  expect(Date.now() - date).toBeLessThan(365 * 24 * 60 * 60 * 1000)
})
