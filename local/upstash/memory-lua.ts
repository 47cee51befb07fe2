import { LuaFactory, LuaLibraries } from 'wasmoon'
import type { Reply } from './protocol.ts'

/** A script that takes longer is stopped, because it blocks the process. */
const SCRIPT_TIMEOUT_MS = 500

/** Instructions between two looks at the clock: well below a millisecond. */
const CLOCK_INTERVAL = 100_000

/**
 * What Redis gives a script, over `call`: KEYS and ARGV, `redis.call`, `redis.pcall` and the reply
 * functions, Lua 5.1's `unpack`, read-only libraries, no globals of the script's own, and errors that
 * name `user_script` and the line.
 *
 * A reply crosses as a plain value or list; nil, which would end a list, crosses as false, which is
 * also what Redis makes of it. An error crosses as a table with `err`, a status as one with `ok`.
 */
const PRELUDE = `
local call, is_late = call, is_late
local error, ipairs, pairs, pcall, select, tostring, type = error, ipairs, pairs, pcall, select, tostring, type
local format, sethook = string.format, debug.sethook
local compiled = {}

local function read_only(values)
  return setmetatable({}, {
    __index = values,
    __newindex = function() error('Attempt to modify a readonly table', 2) end,
    __metatable = false,
  })
end
local function copy(library)
  local values = {}
  for name, value in pairs(library) do values[name] = value end
  return values
end

local strings = copy(string)
strings.dump = nil
-- Methods such as ('x'):rep(3) find the same functions, also when a script is done.
getmetatable('').__index = read_only(strings)
getmetatable('').__metatable = false

local function stop()
  if not is_late() then return end
  -- From here on each instruction raises it, also behind a pcall of the script.
  sethook(stop, '', 1)
  error('ERR Script exceeded its time limit', 0)
end

local function error_reply(message) return { err = message } end

local function pcall_command(...)
  local arguments = {}
  for at = 1, select('#', ...) do
    local argument = select(at, ...)
    local kind = math.type(argument) or type(argument)
    if kind == 'integer' then argument = format('%d', argument)
    elseif kind == 'float' then argument = format('%.17g', argument)
    elseif kind ~= 'string' then
      return error_reply('ERR Lua redis lib command arguments must be strings or integers')
    end
    arguments[at] = argument
  end
  if #arguments == 0 then return error_reply('ERR Please specify at least one argument for this redis.call()') end
  stop()
  return call(arguments)
end

local globals = {
  assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall,
  select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = table.unpack,
  math = read_only(copy(math)), string = read_only(strings), table = read_only(copy(table)),
  redis = read_only({
    pcall = pcall_command,
    call = function(...)
      local reply = pcall_command(...)
      if type(reply) == 'table' and reply.err then error(reply, 0) end
      return reply
    end,
    error_reply = error_reply,
    status_reply = function(message) return { ok = message } end,
  }),
}
local environment = setmetatable({}, {
  __index = function(_, name)
    local value = globals[name]
    if value == nil then error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2) end
    return value
  end,
  __newindex = function() error('Attempt to modify a readonly table', 2) end,
  __metatable = false,
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

function run(sha, keys, arguments)
  globals.KEYS, globals.ARGV = keys, arguments
  sethook(stop, '', ${CLOCK_INTERVAL})
  local ok, value = pcall(compiled[sha])
  sethook()
  return reply_of(ok and value or not ok and error_reply(message_of(value)))
end

function forget() compiled = {} end
`

/** What a command returns to a script: `status` marks replies such as OK, which Lua sees as a table. */
export type ScriptOutcome = { result: Reply; status?: boolean } | { error: string }

/** Runs a command for a script; an error is an outcome, never thrown. */
type RunCommand = (command: string[]) => ScriptOutcome

export interface Lua {
  /** @returns why the script can't be compiled, or nothing */
  compile(sha: string, script: string): string | undefined
  /** Forgets all scripts. */
  forget(): void
  /** Runs a script that was compiled. */
  run(sha: string, keys: string[], args: string[], command: RunCommand): ScriptOutcome
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

/** Numbers lose their fraction, true is 1 and false is null, as Redis has it. */
function toReply(value: unknown): Reply {
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(toReply)
  if (value === true) return 1
  if (typeof value !== 'object' || value === null) return null
  // An error in a list is its text; an empty list arrives as an empty object.
  return 'err' in value ? String(value.err) : []
}
