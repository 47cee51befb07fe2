import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LuaFactory, LuaLibraries } from 'wasmoon'
import type { Reply } from '../protocol.ts'

/** A longer script is stopped, because it blocks the process. */
const SCRIPT_TIMEOUT_MS = 500

const PRELUDE = readFileSync(join(import.meta.dirname, 'prelude.lua'), 'utf8')

/** What a command returns to a script. `status` marks status replies such as OK, which are tables in Lua. */
export type ScriptOutcome = { result: Reply; status?: boolean } | { error: string }

/** Runs a command for a script. Returns errors, does not throw them. */
type RunCommand = (command: string[]) => ScriptOutcome

export interface Lua {
  /** @returns the error if the script can't be compiled */
  compile(sha: string, script: string): string | undefined
  /** Forgets all scripts. */
  forget(): void
  /** Runs a compiled script. */
  run(sha: string, keys: string[], args: string[], command: RunCommand): ScriptOutcome
  close(): void
}

/** Lua 5.4, compiled to WebAssembly. Redis has 5.1: the README lists the differences. */
export async function startLua(): Promise<Lua> {
  const engine = await new LuaFactory().createEngine({
    openStandardLibs: false,
    enableProxy: false,
  })
  const { global } = engine
  for (const library of ['Base', 'Table', 'String', 'Math', 'Debug'] as const) {
    global.loadLibrary(LuaLibraries[library])
  }
  let runCommand: RunCommand = () => ({ error: 'ERR no script is running' })
  let deadline = 0
  global.set('call', (args: string[]) => toLua(runCommand(args)))
  global.set('is_late', () => performance.now() > deadline)
  engine.doStringSync(PRELUDE)
  const compile: (sha: string, script: string) => string | undefined = global.get('compile')
  const run: (sha: string, keys: string[], args: string[]) => unknown = global.get('run')
  return {
    compile: (sha, script) => compile(sha, script) ?? undefined,
    forget: global.get('forget'),
    run(sha, keys, args, command) {
      runCommand = command
      deadline = performance.now() + SCRIPT_TIMEOUT_MS
      try {
        return toOutcome(run(sha, keys, args))
      } catch (error) {
        return toOutcome({ err: error instanceof Error ? error.message : error })
      }
    },
    close: () => global.close(),
  }
}

function toLua(outcome: ScriptOutcome): unknown {
  if ('error' in outcome) return { err: outcome.error }
  return outcome.status ? { ok: outcome.result } : nullsAsFalse(outcome.result)
}

function nullsAsFalse(reply: Reply): unknown {
  return Array.isArray(reply) ? reply.map(nullsAsFalse) : (reply ?? false)
}

function toOutcome(value: unknown): ScriptOutcome {
  if (typeof value === 'object' && value !== null && 'err' in value) {
    const message = String(value.err)
    return { error: /^[A-Z]+ /.test(message) ? message : `ERR ${message}` }
  }
  return { result: toReply(value) }
}

/** Converts as Redis does: numbers are truncated, true becomes 1, false becomes null. */
function toReply(value: unknown): Reply {
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(toReply)
  if (value === true) return 1
  if (typeof value !== 'object' || value === null) return null
  // An error in a list is its text; an empty list arrives as an empty object.
  return 'err' in value ? String(value.err) : []
}
