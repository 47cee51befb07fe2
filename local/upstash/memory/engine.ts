import { createHash } from 'node:crypto'
import type { Engine } from '../engine.ts'
import type { Command, Outcome, Reply } from '../protocol.ts'
import { CommandError, NOT_AN_INTEGER } from './command.ts'
import { hashCommands } from './hashes.ts'
import { keyCommands } from './keys.ts'
import { Keyspace } from './keyspace.ts'
import { type ScriptOutcome, startLua } from './lua.ts'
import { stringCommands } from './strings.ts'

const SWEEP_INTERVAL_MS = 60_000

/** Commands whose string reply is a status (`OK`, `PONG`), which is a table in a script. */
const STATUS_COMMANDS: ReadonlySet<string> = new Set(['PING', 'SET', 'FLUSHALL'])

/** Lua can't parse this line. Its flags have no effect on this engine. */
const SHEBANG = /^#!lua[^\n]*/

/**
 * An engine for machines without Redis. It has the commands that `@upstash/ratelimit` sends (without
 * deny lists and analytics), and the service for its metrics, and runs their scripts in Lua. Commands run one at a time.
 */
export async function startMemoryEngine(): Promise<Engine> {
  const keyspace = new Keyspace()
  const lua = await startLua()
  const loaded = new Set<string>()
  const commands = new Map(
    Object.entries({
      ...stringCommands(keyspace),
      ...hashCommands(keyspace),
      ...keyCommands(keyspace),
    }),
  )
  const scriptCommands = new Map<string, { arity: number; run: (args: string[]) => Outcome }>([
    ['EVAL', { arity: -3, run: evaluate }],
    ['EVALSHA', { arity: -3, run: evaluateSha }],
    ['SCRIPT', { arity: -2, run: runScriptCommand }],
  ])

  function setClock(): void {
    keyspace.now = Date.now()
  }

  const sweeping = setInterval(() => {
    setClock()
    keyspace.keys()
  }, SWEEP_INTERVAL_MS).unref()

  /** The error for a command that Redis rejects without running it, or undefined. */
  function validateCommand([name, ...args]: Command): string | undefined {
    const arity = scriptCommands.get(name)?.arity ?? commands.get(name)?.arity
    if (arity === undefined) {
      return `ERR unknown command '${name}': the in-memory engine has only the commands that the service needs. Install redis-server for the others`
    }
    const size = args.length + 1
    const fits = arity < 0 ? size >= -arity : size === arity
    return fits ? undefined : `ERR wrong number of arguments for '${name.toLowerCase()}' command`
  }

  function run(command: Command): Outcome {
    const [name, ...args] = command
    const error = validateCommand(command)
    if (error) return { error }
    const scriptCommand = scriptCommands.get(name)
    if (scriptCommand) return scriptCommand.run(args)
    try {
      return { result: commands.get(name)?.run(args) ?? null }
    } catch (error) {
      if (error instanceof CommandError) return { error: error.message }
      throw error
    }
  }

  function runFromScript([name = '', ...args]: string[]): ScriptOutcome {
    const command: Command = [name.toUpperCase(), ...args]
    if (scriptCommands.has(command[0])) {
      return { error: 'ERR This Redis command is not allowed from script' }
    }
    const outcome = run(command)
    return 'error' in outcome ? outcome : { ...outcome, status: STATUS_COMMANDS.has(command[0]) }
  }

  /** @returns the SHA-1 of the script */
  function load(script: string): { result: string } | { error: string } {
    const sha = createHash('sha1').update(script).digest('hex')
    const error = loaded.has(sha) ? undefined : lua.compile(sha, script.replace(SHEBANG, ''))
    if (error) return { error }
    loaded.add(sha)
    return { result: sha }
  }

  function evaluate([script = '', ...rest]: string[]): Outcome {
    const outcome = load(script)
    return 'error' in outcome ? outcome : evaluateSha([outcome.result, ...rest])
  }

  function evaluateSha([sha = '', count = '', ...rest]: string[]): Outcome {
    const key = sha.toLowerCase()
    if (!loaded.has(key)) return { error: 'NOSCRIPT No matching script. Please use EVAL.' }
    if (!/^-?\d+$/.test(count)) return { error: NOT_AN_INTEGER }
    const keys = Number(count)
    if (keys < 0) return { error: "ERR Number of keys can't be negative" }
    if (keys > rest.length) {
      return { error: "ERR Number of keys can't be greater than number of args" }
    }
    return lua.run(key, rest.slice(0, keys), rest.slice(keys), runFromScript)
  }

  function runScriptCommand([subcommand = '', ...args]: string[]): Outcome {
    switch (subcommand.toUpperCase()) {
      case 'LOAD':
        return load(args[0] ?? '')
      case 'EXISTS':
        return { result: args.map((sha): Reply => (loaded.has(sha.toLowerCase()) ? 1 : 0)) }
      case 'FLUSH':
        loaded.clear()
        lua.forget()
        return { result: 'OK' }
      default:
        return { error: `ERR unknown subcommand '${subcommand}'. Try SCRIPT HELP.` }
    }
  }

  return {
    name: 'in-memory',
    async run(command) {
      setClock()
      return run(command)
    },
    async transaction(queued) {
      if (queued.some((command) => validateCommand(command) !== undefined)) {
        return { error: 'EXECABORT Transaction discarded because of previous errors.' }
      }
      setClock()
      return queued.map(run)
    },
    async close() {
      clearInterval(sweeping)
      lua.close()
    },
  }
}
