import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unstable_readConfig as readConfig } from 'wrangler'

const ENVIRONMENTS = ['development', 'staging', 'production'] as const

const configs = ENVIRONMENTS.map((name) => ({
  name,
  config: readConfig({
    config: join(import.meta.dirname, '../../wrangler.toml'),
    ...(name !== 'development' && { env: name }),
  }),
}))

test.each(configs)('wrangler.toml binds and schedules everything in $name', ({ name, config }) => {
  const [queue] = config.queues.producers ?? []
  expect(config).toMatchObject({
    ratelimits: [{ name: 'FALLBACK_LIMITER' }, { name: 'FALLBACK_QUOTA' }],
    queues: {
      producers: [{ binding: 'MAIL_QUEUE' }],
      consumers: [
        { queue: queue?.queue, max_retries: 10, dead_letter_queue: `${queue?.queue}-dead` },
      ],
    },
    triggers: { crons: ['*/5 * * * *'] },
    observability: { enabled: true },
    minify: true,
  })
  expect(config.vars).toEqual({ ENVIRONMENT: name })
  expect(config.placement).toEqual({ mode: 'smart' })
  const assets = { directory: 'dist/assets', binding: 'ASSETS', run_worker_first: true }
  expect(config.assets).toEqual(assets)
})

test('wrangler.toml shares no name, queue or counter between environments', () => {
  const own = configs.flatMap(({ config }) => [
    config.name,
    config.queues.producers?.[0]?.queue,
    ...config.ratelimits.map((limit: { namespace_id: string }) => limit.namespace_id),
  ])
  expect(own).not.toContain(undefined)
  expect(new Set(own).size).toBe(own.length)
})

test('wrangler.toml has a compatibility date of the last year', () => {
  const date = Date.parse(configs.at(-1)?.config.compatibility_date ?? '')
  expect(Date.now() - date).toBeLessThan(365 * 24 * 60 * 60 * 1000)
})
