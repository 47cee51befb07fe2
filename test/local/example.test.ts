/** `npm run example`, in a copy of the repository. */
import { once } from 'node:events'
import { realpath } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { copyRepository, type RepositoryCopy } from './repository-copy.ts'

/** A start takes three seconds on a quiet machine. */
const TIMEOUT_MS = 60_000

let copy: RepositoryCopy
let output: string

beforeAll(async () => {
  copy = await copyRepository()
})
afterAll(() => copy.remove())

function start() {
  output = ''
  const example = copy.run(['--example'], (text) => {
    output += text
  })
  onTestFinished(() => {
    example.kill('SIGKILL')
  })
  return { example, ended: once(example, 'close') }
}

test('npm run example starts the service with the example as its frontend, and stops both', async () => {
  const { example, ended } = start()
  const url = copy.urls.example
  await expect.poll(() => output, { timeout: TIMEOUT_MS }).toMatch(/Ready\.[\s\S]*Ctrl-C/)
  expect(output).toContain(`Frontend  ${url}\n`)
  expect(await (await fetch(`${url}/sign-in`)).text()).toContain('<div id="root">')
  // Vite replaces it in what it serves.
  const client = await (await fetch(`${url}/src/accounts.ts`)).text()
  expect(client).toContain(`"VITE_ACCOUNTS_URL": "${copy.urls.api}"`)
  // Files that others who use this machine can't read.
  for (const secret of ['.dev.vars', '.local/running.json']) {
    const served = await fetch(`${url}/@fs${encodeURI(join(await realpath(copy.folder), secret))}`)
    expect([secret, served.status]).toEqual([secret, 403])
  }

  example.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  await expect(fetch(url)).rejects.toThrow()
  await expect(fetch(copy.urls.api)).rejects.toThrow()
})

test('npm run example names the port that is in use, and starts nothing', async () => {
  const port = Number(new URL(copy.urls.example).port)
  const server = createServer()
  await once(server.listen(port, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
  })
  const { ended } = start()
  expect(await ended).toEqual([1, null])
  expect(output).toContain(`Port ${port} is in use.`)
  expect(output).toContain(`EXAMPLE_PORT=${port + 1000} npm run example`)
  expect(output).not.toContain('PostgreSQL')
})
