import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Supervised, supervise } from '../process/supervise.ts'

/** A start takes well below a second, except on a slow disk or a busy machine. */
const START_TIMEOUT_MS = 10_000
const POLL_MS = 10

interface RedisServer {
  /** For example `redis-server 7.0.15`. */
  name: string
  /** Path of the Unix socket. */
  socket: string
  close(): Promise<void>
}

/**
 * Starts a private `redis-server` that stores nothing on disk and listens only on a Unix socket, in a
 * folder that other users can't enter. It ends when this process ends.
 *
 * @returns undefined if there is no `redis-server` on the PATH
 */
export async function startRedisServer(): Promise<RedisServer | undefined> {
  const version = await installedVersion()
  if (version === undefined) return undefined

  const folder = await mkdtemp(join(tmpdir(), 'upstash-'))
  const socket = join(folder, 'redis.sock')
  const server = supervise({
    file: 'redis-server',
    args: [
      ...['--port', '0', '--unixsocket', socket, '--dir', folder],
      ...['--save', '', '--appendonly', 'no'],
    ],
    stop: [{ signal: 'SIGTERM', waitMs: 2000 }],
    removeAtEnd: folder,
  })
  await waitUntilReady(server)
  return { name: `redis-server ${version}`, socket, close: server.stop }
}

async function installedVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('redis-server', ['--version'])
    return /\bv=(\S+)/.exec(stdout)?.[1] ?? 'of unknown version'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error('redis-server is on the PATH but does not run. Remove or fix it.', {
      cause: error,
    })
  }
}

async function waitUntilReady(server: Supervised): Promise<void> {
  let output = ''
  server.output.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4096)
  })
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!/ready to accept connections/i.test(output)) {
    const hasEnded = !server.running()
    if (hasEnded || Date.now() > deadline) {
      await server.stop()
      const problem = hasEnded ? 'exited' : `was not ready after ${START_TIMEOUT_MS / 1000} s`
      throw new Error(`redis-server ${problem}. Its output:\n${output.trim() || '(none)'}`)
    }
    await sleep(POLL_MS)
  }
}
