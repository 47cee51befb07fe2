import { LuaFactory, LuaLibraries } from 'wasmoon'
import type { Outcome, Reply } from './protocol.ts'

/** A script that takes more is stopped: it holds everything else in this process. About a second. */
const MAX_INSTRUCTIONS = 50_000_000

/**
 * What Redis gives a script, over `call`: KEYS and ARGV, `redis.call`, `redis.pcall` and the reply
 * functions, Lua 5.1's `unpack`, no globals of the script's own, and errors that name
 * `user_script` and the line.
 *
 * A reply crosses as a plain value or list; nil, which would end a list, crosses as false, which is
 * also what Redis makes of it. An error crosses as a table with `err`.
 */
const PRELUDE = `
local call, pcall, sethook = call, pcall, debug.sethook
local compiled = {}
local globals = {
  assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall,
  select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = table.unpack,
  math = math, string = string, table = table,
}
local function error_reply(message) return { err = message } end
local function pcall_command(...)
  local arguments = { ... }
  for at, argument in ipairs(arguments) do
    local kind = type(argument)
    if kind ~= 'string' and kind ~= 'number' then
      return error_reply('ERR Lua redis lib command arguments must be strings or integers')
    end
  end
  return call(arguments)
end
globals.redis = {
  pcall = pcall_command,
  call = function(...)
    local reply = pcall_command(...)
    if type(reply) == 'table' and reply.err then error(reply, 0) end
    return reply
  end,
  error_reply = error_reply,
  status_reply = function(message) return { ok = message } end,
}
local environment = setmetatable({}, {
  __index = function(_, name)
    local value = globals[name]
    if value == nil then error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2) end
    return value
  end,
  __newindex = function() error('Attempt to modify a readonly table', 2) end,
})

local function reply_of(value)
  if type(value) ~= 'table' then return value end
  if value.err then return { err = value.err } end
  if value.ok then return value.ok end
  local list = {}
  for at, item in ipairs(value) do list[at] = reply_of(item) end
  return list
end

local function message_of(thrown)
  return type(thrown) == 'table' and thrown.err or tostring(thrown)
end

function compile(sha, text)
  local script, message = load(text, '@user_script', 't', environment)
  if not script then return 'ERR Error compiling script (new function): ' .. message end
  compiled[sha] = script
end

local function stop() error('ERR Script stopped: it has no end', 0) end

function run(sha, keys, arguments)
  globals.KEYS, globals.ARGV = keys, arguments
  sethook(stop, '', ${MAX_INSTRUCTIONS})
  local ok, value = pcall(compiled[sha])
  return reply_of(ok and value or not ok and error_reply(message_of(value)))
end
`

/** Runs a command for a script; an error is an outcome, never thrown. */
type RunCommand = (command: string[]) => Outcome

export interface Lua {
  /** @returns why the script can't be compiled, or nothing */
  compile(sha: string, script: string): string | undefined
  /** Runs a script that was compiled. */
  run(sha: string, keys: string[], args: string[], command: RunCommand): Outcome
  close(): void
}

/** Lua 5.4, compiled to WebAssembly. Redis has 5.1; scripts see what differs in the README. */
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
  global.set('call', (args: unknown[]) => toLua(runCommand(args.map(argumentText))))
  engine.doStringSync(PRELUDE)
  const compile: (sha: string, script: string) => string | undefined = global.get('compile')
  const run: (sha: string, keys: string[], args: string[]) => unknown = global.get('run')
  return {
    compile: (sha, script) => compile(sha, script) ?? undefined,
    run(sha, keys, args, command) {
      runCommand = command
      try {
        return toOutcome(run(sha, keys, args))
      } catch (error) {
        return { error: `ERR ${error instanceof Error ? error.message : String(error)}` }
      }
    },
    close: () => global.close(),
  }
}

/** A number as Redis's C writes it (`%.17g`). */
function argumentText(argument: unknown): string {
  if (typeof argument !== 'number' || Number.isInteger(argument)) return String(argument)
  return argument.toPrecision(17).replace(/\.?0+$/, '')
}

function toLua(outcome: Outcome): unknown {
  if ('error' in outcome) return { err: outcome.error }
  return nullsAsFalse(outcome.result)
}

function nullsAsFalse(reply: Reply): unknown {
  return Array.isArray(reply) ? reply.map(nullsAsFalse) : (reply ?? false)
}

function toOutcome(value: unknown): Outcome {
  if (typeof value === 'object' && value !== null && 'err' in value) {
    const message = String(value.err)
    return { error: /^[A-Z]+ /.test(message) ? message : `ERR ${message}` }
  }
  return { result: toReply(value) }
}

/** Numbers lose their fraction, true is 1 and false is null, as Redis has it. */
function toReply(value: unknown): Reply {
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(toReply)
  if (value === true) return 1
  // An empty list arrives as an empty object.
  return typeof value === 'object' && value !== null ? [] : null
}
