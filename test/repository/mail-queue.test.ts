/** The mail queue of the Worker without Cloudflare. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startMailQueue } from '../../scripts/standalone/mail-queue.ts'

test('a request that is no message is rejected, one that breaks off is dropped, and the queue goes on', async () => {
  const queue = await startMailQueue()
  onTestFinished(queue.close)
  const send = (path: string, body: string) =>
    fetch(`http://${queue.address}${path}`, { method: 'POST', body })
  expect((await send('/batch', '{"messages": 1}')).status).toBe(400)
  expect((await send('/message', 'no JSON')).status).toBe(400)

  const socket = connect(Number(queue.address.split(':')[1]), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('POST /message HTTP/1.1\r\nHost: queue\r\nContent-Length: 100\r\n\r\n{"type"')
  socket.end()
  await once(socket.resume(), 'close')

  expect((await send('/message', '{"type":"owed"}')).status).toBe(200)
  expect(queue.counts()).toMatchObject({ accepted: 1, waiting: 1 })
})
