import { createHash } from 'node:crypto'
import type { Engine } from './engine.ts'
import { type ScriptOutcome, startLua } from './memory-lua.ts'
import { CommandError, createStore } from './memory-store.ts'
import type { Command, Outcome, Reply } from './protocol.ts'

const SWEEP_INTERVAL_MS = 60_000

/** Commands whose string reply is a status (`OK`, `PONG`), which a script sees as a table. */
const STATUS_COMMANDS: ReadonlySet<string> = new Set(['PING', 'SET', 'SETEX', 'FLUSHALL'])

/** The engine takes any `#!lua` line; flags change nothing here. */
const SHEBANG = /^#!lua[^\n]*/

/**
 * An engine for machines without Redis: the commands that `@upstash/ratelimit` sends (without deny
 * lists and analytics), over a Map, and its scripts in a real Lua. Each command is done before the next begins.
 */
export async function startMemoryEngine(): Promise<Engine> {
  const store = createStore()
  const lua = await startLua()
  const loaded = new Set<string>()
  const sweeping = setInterval(() => store.sweep(Date.now()), SWEEP_INTERVAL_MS).unref()

  const scripting = new Map<string, { arity: number; run: (args: string[]) => Outcome }>([
    ['EVAL', { arity: -3, run: ([script = '', ...rest]) => evaluate(script, rest) }],
    ['EVALSHA', { arity: -3, run: ([sha = '', ...rest]) => evaluateSha(sha.toLowerCase(), rest) }],
    [
      'SCRIPT',
      { arity: -2, run: ([subcommand = '', ...rest]) => runScriptCommand(subcommand, rest) },
    ],
  ])

  /** The error for a command that Redis rejects before it runs it, or nothing. */
  function validateCommand([name, ...args]: Command): string | undefined {
    const arity = scripting.get(name)?.arity ?? store.commands.get(name)?.arity
    if (arity === undefined) {
      return `ERR unknown command '${name}': the in-memory engine has only what the limiter needs. Install redis-server for all of Redis`
    }
    const size = args.length + 1
    const fits = arity < 0 ? size >= -arity : size === arity
    return fits ? undefined : `ERR wrong number of arguments for '${name.toLowerCase()}' command`
  }

  /** Time stands still within a command, a script and a transaction. */
  let now = 0

  function runAt(time: number, command: Command): Outcome {
    now = time
    return run(command)
  }

  function run(command: Command): Outcome {
    const [name, ...args] = command
    const error = validateCommand(command)
    if (error) return { error }
    const scriptCommand = scripting.get(name)
    return scriptCommand ? scriptCommand.run(args) : runInStore(name, args)
  }

  function runInStore(name: string, args: string[]): Outcome {
    try {
      return { result: store.commands.get(name)?.run(args, now) ?? null }
    } catch (error) {
      if (error instanceof CommandError) return { error: error.message }
      throw error
    }
  }

  function runFromScript([name = '', ...args]: string[]): ScriptOutcome {
    const command: Command = [name.toUpperCase(), ...args]
    if (scripting.has(command[0]))
      return { error: 'ERR This Redis command is not allowed from script' }
    const outcome = run(command)
    return 'error' in outcome ? outcome : { ...outcome, status: STATUS_COMMANDS.has(command[0]) }
  }

  function load(text: string): { sha: string } | { error: string } {
    const sha = createHash('sha1').update(text).digest('hex')
    if (loaded.has(sha)) return { sha }
    const error = lua.compile(sha, text.replace(SHEBANG, ''))
    if (error) return { error }
    loaded.add(sha)
    return { sha }
  }

  function evaluate(text: string, rest: string[]): Outcome {
    const script = load(text)
    return 'error' in script ? script : evaluateSha(script.sha, rest)
  }

  function evaluateSha(sha: string, [count = '', ...rest]: string[]): Outcome {
    if (!loaded.has(sha)) return { error: 'NOSCRIPT No matching script. Please use EVAL.' }
    const keys = /^-?\d+$/.test(count) ? Number(count) : Number.NaN
    if (Number.isNaN(keys)) return { error: 'ERR value is not an integer or out of range' }
    if (keys < 0) return { error: "ERR Number of keys can't be negative" }
    if (keys > rest.length)
      return { error: "ERR Number of keys can't be greater than number of args" }
    return lua.run(sha, rest.slice(0, keys), rest.slice(keys), runFromScript)
  }

  function runScriptCommand(subcommand: string, args: string[]): Outcome {
    switch (subcommand.toUpperCase()) {
      case 'LOAD': {
        const script = load(args[0] ?? '')
        return 'error' in script ? script : { result: script.sha }
      }
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
    run: async (command) => runAt(Date.now(), command),
    async transaction(commands) {
      if (commands.some((command) => validateCommand(command) !== undefined)) {
        return { error: 'EXECABORT Transaction discarded because of previous errors.' }
      }
      const time = Date.now()
      return commands.map((command) => runAt(time, command))
    },
    async close() {
      clearInterval(sweeping)
      lua.close()
    },
  }
}
