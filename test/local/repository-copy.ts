/** The repository as somebody has cloned it, with ports of its own: tests touch no `.dev.vars` or `.local`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../local/process/ports.ts'

const ROOT = join(import.meta.dirname, '../..')
const NOT_COPIED = /^(\.dev\.vars|\.env|\.git|\.local|node_modules|dist|coverage)$/
const PORTS = ['PORT', 'MAILBOX_PORT', 'POSTGRES_PORT', 'NEON_PORT', 'UPSTASH_PORT', 'EXAMPLE_PORT']

export interface RepositoryCopy {
  folder: string
  urls: { api: string; mailbox: string; example: string }
  /** Starts `npm run dev` with these arguments. */
  run(args: string[], onOutput: (text: string) => void): ChildProcess
  remove(): Promise<void>
}

export async function copyRepository(): Promise<RepositoryCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'my clone ')) // With spaces, as people have them.
  for (const name of await readdir(ROOT)) {
    if (NOT_COPIED.test(name)) continue
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const ports = await Promise.all(PORTS.map(() => freePort()))
  const variables = Object.fromEntries(PORTS.map((name, i) => [name, String(ports[i])]))
  const urlOf = (name: string) => `http://127.0.0.1:${variables[name]}`
  return {
    folder,
    urls: { api: urlOf('PORT'), mailbox: urlOf('MAILBOX_PORT'), example: urlOf('EXAMPLE_PORT') },
    run(args, onOutput) {
      const env = { ...process.env, ...variables }
      const child = spawn(process.execPath, [join(folder, 'local/dev.ts'), ...args], { env })
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => onOutput(String(chunk)))
      }
      return child
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
