import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, inject, test } from 'vitest'
import { ConfigurationError, readConfig, Variables } from '../../src/env.ts'
import type {} from '../setup/world.ts'

const EXAMPLE = join(import.meta.dirname, '../../.dev.vars.example')

/** What a newcomer has to make or to get; all the rest works as the example has it. */
const REQUIRED = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'SECRET_KEY',
  'JWT_SIGNING_KEYS',
  'PUBLIC_URL',
] as const

test('.dev.vars.example names exactly the variables of the schema', async () => {
  const example = parseEnv(await readFile(EXAMPLE, 'utf8'))
  expect(Object.keys(example).sort()).toEqual(Object.keys(Variables.shape).sort())
})

test('.dev.vars.example explains each group of variables above it', async () => {
  const text = await readFile(EXAMPLE, 'utf8')
  const groups = text.split(/\n\n+/).filter((group) => /^[A-Z_]+=/m.test(group))
  const obvious = /^(ACCESS|RESET)_TOKEN_EXPIRE_MINUTES=/ // Their names say it all.
  const silent = groups.filter((group) => !group.startsWith('# ') && !obvious.test(group))
  expect(silent).toEqual([])
})

test('.dev.vars.example is valid once the secrets are in, and shows the defaults', async () => {
  const { bindings } = inject('world')
  const secrets = Object.fromEntries(REQUIRED.map((name) => [name, bindings[name]]))
  const example = readConfig({ ...parseEnv(await readFile(EXAMPLE, 'utf8')), ...secrets })
  const bare = readConfig({ ENVIRONMENT: 'development', ...secrets })
  if (example instanceof ConfigurationError) throw example
  if (bare instanceof ConfigurationError) throw bare
  expect(example).toEqual({ ...bare, corsOrigins: example.corsOrigins })
})
