/**
 * Checks variables as the Worker does, for `npm run dev`, which imports nothing of src/. Reads them as
 * JSON from standard input, where `ps` does not show them, and writes what it found as JSON.
 */
import { text } from 'node:stream/consumers'
import { ConfigurationError, readConfig, Variables } from '../src/env.ts'

/** By name and rule, never with a value. */
export interface Findings {
  problems: readonly string[]
  /** Names that the service does not know: most are typos. */
  unknown: string[]
}

function check(variables: object): Findings {
  const config = readConfig(variables)
  return {
    problems: config instanceof ConfigurationError ? config.problems : [],
    unknown: Object.keys(variables).filter((name) => !(name in Variables.shape)),
  }
}

console.log(JSON.stringify(check(JSON.parse(await text(process.stdin)))))
