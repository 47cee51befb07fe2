/** The environments of wrangler.toml. */
import { join } from 'node:path'
import type { Values } from './variables.ts'

export const ENVIRONMENTS = ['staging', 'production'] as const

const WRANGLER_TOML = join(import.meta.dirname, '../wrangler.toml')

/** What wrangler.toml sets, without secrets. Reading it with wrangler's own code takes a second. */
export async function plainVariables(environment: string): Promise<Values> {
  const { unstable_readConfig: readConfig } = await import('wrangler')
  const { vars } = readConfig({ config: WRANGLER_TOML, env: environment })
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, String(value)]))
}
