import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Frontend = { origin: string; close(): void }

/** Serves a frontend at `localhost`, on a port of its own: another origin than that of the service. */
export async function serveFrontend(listener: RequestListener): Promise<Frontend> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://localhost:${port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
