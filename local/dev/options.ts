import { parseArgs } from 'node:util'

export const HELP = `Usage: npm run dev [-- --frontend-url URL]

Starts PostgreSQL, Redis, a mailbox and the Worker on this machine. The data stays in .local/. The
service's variables are in .dev.vars; when that file changes, the service restarts by itself.

  --frontend-url URL   your frontend, where links in emails lead, unless .dev.vars sets FRONTEND_URL
  --help               prints this

Ports are variables of the shell: PORT (8787, the API), MAILBOX_PORT (8025), POSTGRES_PORT (54329),
NEON_PORT (54330), UPSTASH_PORT (54331). For example: PORT=9000 npm run dev`

export interface Options {
  help: boolean
  frontendUrl?: string
}

/** @throws Error that says which argument is wrong */
export function readOptions(args: string[]): Options {
  const options = {
    help: { type: 'boolean', short: 'h' },
    'frontend-url': { type: 'string' },
  } as const
  const { help = false, 'frontend-url': frontendUrl } = parseArgs({ args, options }).values
  if (frontendUrl === undefined) return { help }
  if (!/^https?:/.test(frontendUrl) || !URL.canParse(frontendUrl)) {
    throw new Error('--frontend-url must be an address such as http://localhost:5173')
  }
  return { help, frontendUrl }
}
