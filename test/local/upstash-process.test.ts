import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from '@upstash/redis'
import { describe, expect, test } from 'vitest'
import { startUpstashGateway } from '../../local/upstash/index.ts'
import { redisServerInstalled } from './engines.ts'

/** The socket's file exists before the server listens on it. */
const isListening = (socket: string) =>
  new Promise<boolean>((resolve) => {
    const connection = connect(socket, () => resolve(true)).on('error', () => resolve(false))
    connection.unref()
  })

describe('the process of an Upstash gateway', () => {
  test('two gateways share nothing', async () => {
    const gateways = await Promise.all([1, 2].map(() => startUpstashGateway({ engine: 'memory' })))
    const [one, two] = gateways.map(({ url, token }) => new Redis({ url, token, retry: false }))
    await one?.set('a', 1)
    expect(await two?.get('a')).toBeNull()
    await Promise.all(gateways.map((gateway) => gateway.close()))
  })

  test('an unreachable Redis is an error without its password', async () => {
    const start = startUpstashGateway({ redisUrl: 'redis://:secret@127.0.0.1:1' })
    await expect(start).rejects.toThrow(
      /^Can't connect to Redis at redis:\/\/127\.0\.0\.1:1: .*REFUSED/,
    )
  })

  test.runIf(redisServerInstalled())('every call is 500 after Redis has stopped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'))
    const socket = join(folder, 'redis.sock')
    const options = ['--port', '0', '--unixsocket', socket, '--save', '']
    const server = spawn('redis-server', options, { stdio: 'ignore' })
    await expect.poll(() => isListening(socket), { timeout: 10_000 }).toBe(true)
    const lines: string[] = []
    const gateway = await startUpstashGateway({ redisUrl: socket, log: (line) => lines.push(line) })
    const redis = new Redis({ url: gateway.url, token: gateway.token, retry: false })
    expect(await redis.ping()).toBe('PONG')
    server.kill('SIGKILL')
    await once(server, 'exit')
    await expect(redis.set('a', 1)).rejects.toThrow('ERR the Redis behind this gateway')
    await expect(redis.multi().set('a', 1).exec()).rejects.toThrow('ERR the Redis behind this')
    expect(lines[0]).toMatch(/^upstash: POST .* failed: /)
    await gateway.close()
    await rm(folder, { recursive: true })
  })

  test.runIf(redisServerInstalled())('redis-server ends when the process is killed', async () => {
    const index = new URL('../../local/upstash/index.ts', import.meta.url).pathname
    const program = `
      const { startUpstashGateway } = await import(${JSON.stringify(index)})
      const { url } = await startUpstashGateway({ engine: 'redis' })
      console.log(url)`
    const folder = await mkdtemp(join(tmpdir(), 'killed-'))
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    // The folder with the socket of redis-server. It is deleted after the server has exited.
    expect(readdirSync(folder)).toHaveLength(1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect.poll(() => readdirSync(folder), { timeout: 5000 }).toEqual([])
    await rm(folder, { recursive: true })
  })
})
