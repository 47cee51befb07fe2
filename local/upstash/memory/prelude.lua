-- The environment of Redis scripts: KEYS and ARGV, redis.call, redis.pcall and the reply functions,
-- Lua 5.1's unpack, read-only libraries, no new globals, and error messages that name user_script
-- and the line. lua.ts provides `call` and `is_late`, and calls `compile`, `run` and `forget`.
--
-- Replies are passed as plain values and lists. Nil would end a list, so it is passed as false, which
-- is what Redis converts it to. An error is a table with `err`, a status reply one with `ok`.

-- VM instructions between two checks of the time limit: well below a millisecond.
local CLOCK_INTERVAL = 100000

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
-- Methods such as ('x'):rep(3) use the same read-only functions.
getmetatable('').__index = read_only(strings)
getmetatable('').__metatable = false

local function stop()
  if not is_late() then return end
  -- From now on every instruction raises the error, so that a pcall in the script can't catch it.
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
  sethook(stop, '', CLOCK_INTERVAL)
  local ok, value = pcall(compiled[sha])
  sethook()
  return reply_of(ok and value or not ok and error_reply(message_of(value)))
end

function forget() compiled = {} end
