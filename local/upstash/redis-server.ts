import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** It is up in some 20 ms; a slow disk or a busy machine may need longer. */
const START_TIMEOUT_MS = 10_000

/**
 * Runs "$@" until it ends or standard input does. Standard input is a pipe from this process, so
 * it ends with this process, be it by `kill -9`: no orphan stays behind. "$0" is the folder to
 * remove afterwards.
 */
const SUPERVISE = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; kill $server; } 2>/dev/null &
wait $server
rm -rf "$0"
`

interface RedisServer {
  /** Such as `redis-server 7.0.15`. */
  name: string
  /** Path of its Unix socket. */
  socket: string
  close(): Promise<void>
}

/**
 * Starts a private `redis-server` that keeps nothing on disk and listens on a Unix socket only,
 * in a folder that no other user may enter.
 *
 * @returns nothing where there is no `redis-server` on the PATH.
 */
export async function startRedisServer(): Promise<RedisServer | undefined> {
  const version = await installedVersion()
  if (version === undefined) return undefined

  const folder = await mkdtemp(join(tmpdir(), 'upstash-'))
  const socket = join(folder, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', socket, '--dir', folder]
  const volatile = ['--save', '', '--appendonly', 'no']
  const child = spawn('sh', ['-c', SUPERVISE, folder, 'redis-server', ...options, ...volatile], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C is for this process, which then closes the server.
    detached: true,
  })
  await ready(child)
  return {
    name: `redis-server ${version}`,
    socket,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
  }
}

async function installedVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('redis-server', ['--version'])
    return /\bv=(\S+)/.exec(stdout)?.[1] ?? 'of unknown version'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error('redis-server is on the PATH but does not run; remove or fix it', {
      cause: error,
    })
  }
}

/** Resolves once the server takes connections. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (what: string) => {
      child.stdin?.end()
      reject(new Error(`redis-server ${what}. It said:\n${output.trim() || '(nothing)'}`))
    }
    const timer = setTimeout(
      () => fail(`was not ready after ${START_TIMEOUT_MS / 1000} s`),
      START_TIMEOUT_MS,
    )
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4096)
      if (!/ready to accept connections/i.test(output)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', () => {
      clearTimeout(timer)
      fail('ended at once')
    })
  })
}
