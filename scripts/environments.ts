/** The environments of wrangler.toml. */
import { join } from 'node:path'
import { readVariables, type Values, withoutEmpty } from './variables.ts'

export const ENVIRONMENTS = ['staging', 'production'] as const

const WRANGLER_TOML = join(import.meta.dirname, '../wrangler.toml')

/** What wrangler.toml sets, without secrets. Reading it with wrangler's own code takes a second. */
export async function plainVariables(environment: string): Promise<Values> {
  const { unstable_readConfig: readConfig } = await import('wrangler')
  const { vars } = readConfig({ config: WRANGLER_TOML, env: environment })
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, String(value)]))
}

/** The options of commands that take the variables of an environment. */
export const VARIABLE_OPTIONS = {
  file: { type: 'string', value: '<file>', about: 'its variables, as in .dev.vars' },
  env: {
    type: 'string',
    value: '<environment>',
    about: 'staging or production: plain variables from wrangler.toml',
    among: ENVIRONMENTS,
  },
} as const

export type Given = { [option in keyof typeof VARIABLE_OPTIONS]?: string | undefined }

/** Those of the file, or without one of the shell; with `env`, also what wrangler.toml sets. */
export async function variablesOf({ file, env }: Given): Promise<Values> {
  const plain = env === undefined ? {} : await plainVariables(env)
  return file === undefined
    ? { ...withoutEmpty(process.env), ...plain }
    : { ...plain, ...(await readVariables(file)) }
}
