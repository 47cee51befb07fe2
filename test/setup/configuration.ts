/** What `readConfig` makes of the tests' variables, some of them replaced. */
import { inject } from 'vitest'
import { ConfigurationError, readConfig } from '../../src/env.ts'
import type {} from './world.ts'

export const valid = inject('world').bindings

/** What is wrong with the valid variables once these are replaced; undefined removes a variable. */
export function problemsOf(replaced: Record<string, string | undefined>): readonly string[] {
  const variables = Object.entries({ ...valid, ...replaced })
  const given = Object.fromEntries(variables.filter(([, value]) => value !== undefined))
  const config = readConfig(given)
  return config instanceof ConfigurationError ? config.problems : []
}

/** The names of the variables that have a problem. */
export const namesIn = (problems: readonly string[]) =>
  [...new Set(problems.map((problem) => problem.split(':')[0]))].toSorted()

/** The configuration of the valid variables once these are replaced. */
export function configOf(replaced: Record<string, string>) {
  const config = readConfig({ ...valid, ...replaced })
  if (config instanceof ConfigurationError) throw config
  return config
}
