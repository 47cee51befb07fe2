import { once } from 'node:events'
import { createServer } from 'node:net'

async function listenOnce(port: number): Promise<number> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('No port was given')
  return address.port
}

/** A port of 127.0.0.1 that is free at the moment. */
export function freePort(): Promise<number> {
  return listenOnce(0)
}

/** Whether a server could listen on this port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port)
    return true
  } catch {
    return false
  }
}
