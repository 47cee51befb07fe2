import RedisMock from 'ioredis-mock'
import type { Engine } from './engine.ts'
import { type Arities, misuse, toReply, withCapitalOptions } from './memory-commands.ts'
import { adaptScript, scriptError } from './memory-lua.ts'
import type { Argument, Command, Outcome, Reply } from './protocol.ts'
import { sha1 } from './scripts.ts'

let instances = 0

/**
 * An engine for machines without Redis, over ioredis-mock. It lacks some commands, and says so;
 * it checks options less than Redis does, and a script takes it some milliseconds.
 */
export async function startMemoryEngine(): Promise<Engine> {
  // ioredis-mock shares the data of clients with one address: each engine gets its own.
  const client = new RedisMock({ host: 'in-memory', port: ++instances })
  const arities = await readArities(client)
  const scripts = new Map<string, string>()
  let last: Promise<unknown> = Promise.resolve()

  /** One at a time: ioredis-mock suspends in the middle of a command. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = last.then(act)
    last = turn.catch(() => {})
    return turn
  }

  async function run(command: Command): Promise<Outcome> {
    const error = misuse(arities, command)
    if (error) return { error }
    try {
      return { result: await execute(client, scripts, command) }
    } catch (error) {
      return { error: errorText(error, command) }
    }
  }

  async function runAll(commands: Command[]) {
    if (commands.some((command) => misuse(arities, command) !== undefined)) {
      return { error: 'EXECABORT Transaction discarded because of previous errors.' }
    }
    const outcomes: Outcome[] = []
    for (const command of commands) outcomes.push(await run(command))
    return outcomes
  }

  return {
    name: 'in-memory',
    run: (command) => inTurn(() => run(command)),
    transaction: (commands) => inTurn(() => runAll(commands)),
    async close() {
      await inTurn(() => client.flushall())
      client.disconnect()
    },
  }
}

type Client = InstanceType<typeof RedisMock>

/** From the table of a real Redis, which ioredis-mock carries. */
async function readArities(client: Client): Promise<Arities> {
  const rows: unknown[] = await client.command('INFO')
  return new Map(
    rows.flatMap((row) =>
      Array.isArray(row) ? [[String(row[0]).toUpperCase(), Number(row[1])] as const] : [],
    ),
  )
}

async function execute(
  client: Client,
  scripts: Map<string, string>,
  [name, ...args]: Command,
): Promise<Reply> {
  if (name === 'SCRIPT') return script(scripts, args.map(String))
  if (name.startsWith('EVAL')) {
    const [first = '', ...rest] = args
    const text = name.startsWith('EVALSHA') ? scripts.get(first.toString()) : first.toString()
    if (text === undefined) throw new Error('NOSCRIPT No matching script. Please use EVAL.')
    scripts.set(sha1(text), text)
    return toReply(await invoke(client, 'EVAL', [adaptScript(text), ...rest]), true)
  }
  await refuseBadIncrement(client, name, args)
  return toReply(await invoke(client, name, withCapitalOptions(name, args)), false)
}

async function invoke(client: Client, name: string, args: Argument[]): Promise<unknown> {
  const method: unknown = Reflect.get(client, `${name.toLowerCase()}Buffer`)
  if (typeof method !== 'function') throw new Error('Unsupported command')
  return Reflect.apply(method, client, args)
}

/** ioredis-mock has EVAL only. */
function script(scripts: Map<string, string>, [subcommand = '', ...args]: string[]): Reply {
  switch (subcommand.toUpperCase()) {
    case 'LOAD':
      for (const text of args) scripts.set(sha1(text), text)
      return Buffer.from(sha1(args[0] ?? ''))
    case 'EXISTS':
      return args.map((sha) => (scripts.has(sha) ? 1 : 0))
    case 'FLUSH':
      scripts.clear()
      return Buffer.from('OK')
    default:
      throw new Error(`ERR unknown subcommand '${subcommand}'. Try LOAD, EXISTS or FLUSH`)
  }
}

/** Where Redis refuses to count up what is not a number, ioredis-mock would store NaN. */
async function refuseBadIncrement(client: Client, name: string, args: Argument[]): Promise<void> {
  if (!/^(INCR|DECR)(BY)?$/.test(name)) return
  const [key = '', amount = '1'] = args
  const current = (await client.type(key)) === 'string' ? await client.get(key) : null
  for (const number of [current ?? '0', amount.toString()]) {
    if (!/^-?\d+$/.test(number)) throw new Error('ERR value is not an integer or out of range')
  }
}

function errorText(error: unknown, [name]: Command): string {
  const message = scriptError(error instanceof Error ? error.message : String(error))
  if (message.includes('Unsupported command')) {
    return `ERR Command is not available in the in-memory engine: '${name}'. Install redis-server to use it`
  }
  if (message.includes('does not contain a')) {
    return 'WRONGTYPE Operation against a key holding the wrong kind of value'
  }
  return /^[A-Z]+ /.test(message) ? message : `ERR ${message}`
}
