import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../local/process/ports.ts'

const ROOT = join(import.meta.dirname, '../..')
const NOT_COPIED = /^(\.dev\.vars|\.env|\.git|\.local|node_modules|dist|coverage)$/
const PORTS = ['PORT', 'MAILBOX_PORT', 'POSTGRES_PORT', 'NEON_PORT', 'UPSTASH_PORT'] as const

/** A copy of the repository as it is after `npm install`, and free ports for its `npm run dev`. */
export async function copyRepository() {
  const folder = await mkdtemp(join(tmpdir(), 'dev start ')) // With spaces, as people have them.
  for (const name of await readdir(ROOT)) {
    if (NOT_COPIED.test(name)) continue
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const ports = await Promise.all(PORTS.map(() => freePort()))
  return {
    folder,
    env: { ...process.env, ...Object.fromEntries(PORTS.map((name, i) => [name, `${ports[i]}`])) },
    url: `http://127.0.0.1:${ports[0]}`,
    mailboxUrl: `http://127.0.0.1:${ports[1]}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
