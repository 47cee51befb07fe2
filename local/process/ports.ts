import { once } from 'node:events'
import { createServer } from 'node:net'

async function listenOnce(port: number): Promise<number> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port')
  return address.port
}

/** A port that is free on 127.0.0.1 right now. */
export function freePort(): Promise<number> {
  return listenOnce(0)
}

/** Whether a server can listen on this port of 127.0.0.1 right now. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port)
    return true
  } catch {
    return false
  }
}
