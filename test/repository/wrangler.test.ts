import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { unstable_readConfig as readConfig } from 'wrangler'
import { readConfig as readVariables } from '../../src/env.ts'
import { MAX_ATTEMPTS } from '../../src/mail/consumer.ts'
import type {} from '../setup/world.ts'

/** What `wrangler deploy` uses without `--env`. */
const BARE = 'no environment'

const configOf = (name: string) => ({
  name,
  config: readConfig({
    config: join(import.meta.dirname, '../../wrangler.toml'),
    env: name === BARE ? '' : name,
  }),
})

const configs = [BARE, 'staging', 'production'].map(configOf)
const preview = configOf('preview')

test.each(configs)('wrangler.toml binds and schedules everything in $name', ({ config }) => {
  const [queue] = config.queues.producers ?? []
  expect(config).toMatchObject({
    ratelimits: [{ name: 'FALLBACK_LIMITER' }, { name: 'FALLBACK_QUOTA' }],
    queues: {
      producers: [{ binding: 'MAIL_QUEUE' }],
      consumers: [
        {
          queue: queue?.queue,
          max_retries: MAX_ATTEMPTS - 1,
          dead_letter_queue: `${queue?.queue}-dead`,
        },
      ],
    },
    triggers: { crons: ['*/5 * * * *'] },
    minify: true,
  })
  expect(config.placement).toEqual({ mode: 'smart' })
  const assets = { directory: 'dist/assets', binding: 'ASSETS', run_worker_first: true }
  expect(config.assets).toEqual(assets)
})

test('wrangler.toml has all bindings for previews, but no cron and no consumer', () => {
  const { assets, placement, ratelimits, queues, triggers, vars } = preview.config
  const production = configs.at(-1)?.config
  expect({ assets, placement }).toEqual({
    assets: production?.assets,
    placement: production?.placement,
  })
  expect(ratelimits.map(({ name }: { name: string }) => name)).toEqual(
    production?.ratelimits.map(({ name }: { name: string }) => name),
  )
  expect(queues.producers).toMatchObject([{ binding: 'MAIL_QUEUE' }])
  expect(queues.consumers ?? []).toEqual([])
  expect({ crons: triggers.crons, vars }).toEqual({ crons: [], vars: { ENVIRONMENT: 'test' } })
})

test.each([...configs, preview])(
  'wrangler.toml keeps URLs out of the logs of Cloudflare in $name',
  ({ config }) => {
    expect(config.observability).toEqual({
      enabled: true,
      redact_query_string: true,
      logs: { enabled: true, invocation_logs: false },
    })
    expect(config.logpush ?? false).toBe(false)
  },
)

test.each(configs)(
  'wrangler.toml sets ENVIRONMENT in $name, unless it is none',
  ({ name, config }) => {
    expect(config.vars).toEqual(name === BARE ? {} : { ENVIRONMENT: name })
  },
)

test('a bare `wrangler deploy` returns 503 for every secret that is valid', () => {
  const { vars } = configs[0]?.config ?? {}
  const { ENVIRONMENT: _, ...secrets } = inject('world').bindings
  const config = readVariables({ ...secrets, ...vars })
  expect(config).toMatchObject({ problems: ['ENVIRONMENT: is missing'] })
})

test('wrangler.toml shares no name, queue or counter between environments', () => {
  const own = [...configs, preview].flatMap(({ config }) => [
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
