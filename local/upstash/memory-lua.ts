/**
 * Runs a script as Redis would in ioredis-mock's Lua, whose tables differ: what `redis.call`
 * returns has nulls and nested arrays that Lua can't read, a table comes out whole only if it was
 * filled from the end, and an error thrown by a command has lost its text.
 *
 * The script comes first, so that line numbers in its errors stay right.
 */
export function adaptScript(script: string): string {
  return `local main = function() ${script}\nend ${ADAPTER}`
}

const ADAPTER = `
local function from_js(value, first)
  if value == nil or tostring(value) == 'null' then return false end
  if type(value) ~= 'userdata' then return value end
  local list = {}
  for i = 1, #value do list[i] = from_js(value[i - 1 + first], 0) end
  return list
end

local function to_js(value)
  if type(value) ~= 'table' then return value end
  if value.err then error(value.err, 0) end
  if value.ok then return value.ok end
  local list = {}
  for i = #value, 1, -1 do list[i] = to_js(value[i]) end
  return list
end

local function without_class(thrown)
  return (tostring(thrown):gsub('^%a*Error: ', ''))
end

local call = redis.call
redis.pcall = function(...)
  local ok, value = pcall(call, ...)
  if ok then return from_js(value, 1) end
  return { err = without_class(value) }
end
redis.call = function(...)
  local value = redis.pcall(...)
  if type(value) == 'table' and value.err then error(value.err, 0) end
  return value
end
redis.error_reply = function(text) return { err = text } end
redis.status_reply = function(text) return { ok = text } end

return to_js(main())
`

/** The text of an error in a script, with the place in the script where there is one. */
export function scriptError(message: string): string {
  return message
    .replace(/^Error trying to loading or executing lua code string in VM: /, '')
    .replace(/\[string "[^\n]*?"\]:(\d+):/, 'user_script:$1:')
}
