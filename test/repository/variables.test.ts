import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, inject, test } from 'vitest'
import { variablesOf } from '../../scripts/environments.ts'
import { ConfigurationError, readConfig, Variables } from '../../src/env.ts'
import type {} from '../setup/world.ts'

const text = await readFile(join(import.meta.dirname, '../../.dev.vars.example'), 'utf8')
const example = parseEnv(text)

/** What a new developer has to create. The other variables work as they are in the example. */
const REQUIRED = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'SECRET_KEY',
  'JWT_SIGNING_KEYS',
  'PUBLIC_URL',
] as const

test('.dev.vars.example has every variable of the schema, and no other', () => {
  expect(Object.keys(example).sort()).toEqual(Object.keys(Variables.shape).sort())
})

test('.dev.vars.example has a comment above each group of variables', () => {
  const groups = text.split(/\n\n+/).filter((group) => /^[A-Z_]+=/m.test(group))
  const obvious = /^(ACCESS|RESET)_TOKEN_EXPIRE_MINUTES=/ // Their names are enough.
  const undocumented = groups.filter((group) => !group.startsWith('# ') && !obvious.test(group))
  expect(undocumented).toEqual([])
})

test('.dev.vars.example is valid with the secrets added, and has the default values but for development', () => {
  const { bindings } = inject('world')
  const secrets = Object.fromEntries(REQUIRED.map((name) => [name, bindings[name]]))
  const config = readConfig({ ...example, ...secrets })
  const bare = readConfig({ ENVIRONMENT: 'development', ...secrets })
  if (config instanceof ConfigurationError) throw config
  if (bare instanceof ConfigurationError) throw bare
  expect(config).toEqual({ ...bare, rateLimitFactor: 1000 })
})

test('--env and --file of commands: the secrets of the file, and the rest of wrangler.toml', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edge-accounts-variables-'))
  const file = join(folder, 'production.env')
  await writeFile(file, 'SECRET_KEY=mine\nMETRICS_TOKEN=\n')
  expect(await variablesOf({ file })).toEqual({ SECRET_KEY: 'mine' })
  expect(await variablesOf({ file, env: 'production' })).toEqual({
    ENVIRONMENT: 'production',
    SECRET_KEY: 'mine',
  })
  await writeFile(file, 'ENVIRONMENT=test\n')
  expect(await variablesOf({ file, env: 'production' })).toEqual({ ENVIRONMENT: 'test' })
  const shell = await variablesOf({ env: 'staging' })
  expect(shell).toMatchObject({ ENVIRONMENT: 'staging', PATH: process.env['PATH'] })
  await rm(folder, { recursive: true })
})
