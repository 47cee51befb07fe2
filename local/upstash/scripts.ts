import { createHash } from 'node:crypto'
import type { Command, Outcome } from './protocol.ts'

/** In `#!lua flags=allow-key-locking`. Only Upstash's own Redis supports this flag. */
const UPSTASH_FLAG = 'allow-key-locking'

/**
 * Lets scripts written for Upstash run on any Redis by removing the flag. That changes the script's
 * SHA-1, which clients compute themselves, so SHAs in requests are translated. Only Redis tracks which
 * scripts are loaded: it returns NOSCRIPT for an unknown SHA.
 */
export class ScriptTranslator {
  readonly #shas = new Map<string, string>()

  /** The command to send to Redis. */
  translate([name, ...args]: Command): Command {
    const [first, ...rest] = args
    if (first === undefined) return [name]
    if (name === 'EVAL' || name === 'EVAL_RO') return [name, this.#learn(first), ...rest]
    if (name === 'EVALSHA' || name === 'EVALSHA_RO') return [name, this.#sha(first), ...rest]
    if (name !== 'SCRIPT') return [name, ...args]
    const subcommand = first.toUpperCase()
    if (subcommand === 'LOAD') return [name, first, ...rest.map((script) => this.#learn(script))]
    if (subcommand === 'EXISTS') return [name, first, ...rest.map((sha) => this.#sha(sha))]
    return [name, ...args]
  }

  /** SCRIPT LOAD returns the SHA of the script that the caller sent. */
  restore([name, subcommand, script]: Command, outcome: Outcome): Outcome {
    const loads = name === 'SCRIPT' && subcommand?.toUpperCase() === 'LOAD'
    if (!loads || script === undefined || 'error' in outcome) return outcome
    return { result: sha1(script) }
  }

  #learn(script: string): string {
    const plain = withoutUpstashFlag(script)
    if (plain !== script) this.#shas.set(sha1(script), sha1(plain))
    return plain
  }

  #sha(sha: string): string {
    const key = sha.toLowerCase()
    return this.#shas.get(key) ?? key
  }
}

/** Leaves an empty line, so that the line numbers in Lua's errors stay correct. */
function withoutUpstashFlag(script: string): string {
  const [, listed, rest] = /^#!lua[ \t]+flags=(\S*)(.*)$/s.exec(script) ?? []
  if (listed === undefined || rest === undefined) return script
  const flags = listed.split(',').filter((flag) => flag !== UPSTASH_FLAG)
  return flags.length === 0 ? rest : `#!lua flags=${flags.join(',')}${rest}`
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
