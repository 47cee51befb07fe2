import { parseArgs } from 'node:util'
import { exampleUrl } from './example.ts'

export const HELP = `Usage: npm run dev [-- --frontend-url URL]
       npm run example

Starts PostgreSQL, Redis, a mailbox and the Worker on this machine. The data stays in .local/. The
service's variables are in .dev.vars; when that file changes, the service restarts by itself.

  --frontend-url URL   your frontend, where links in emails lead, unless .dev.vars sets FRONTEND_URL
  --example            starts examples/react, too, as the frontend: what \`npm run example\` does
  --help               prints this

Ports are variables of the shell: PORT (8787, the API), MAILBOX_PORT (8025), POSTGRES_PORT (54329),
NEON_PORT (54330), UPSTASH_PORT (54331), EXAMPLE_PORT (5173). For example: PORT=9000 npm run dev`

export interface Options {
  help: boolean
  /** Whether examples/react is the frontend. */
  example: boolean
  frontendUrl?: string
}

/** @throws Error that says which argument is wrong */
export function readOptions(args: string[]): Options {
  const options = {
    help: { type: 'boolean', short: 'h' },
    example: { type: 'boolean' },
    'frontend-url': { type: 'string' },
  } as const
  const { help = false, example = false, ...others } = parseArgs({ args, options }).values
  const frontendUrl = others['frontend-url'] ?? (example ? exampleUrl() : undefined)
  if (frontendUrl === undefined) return { help, example }
  if (!/^https?:/.test(frontendUrl) || !URL.canParse(frontendUrl)) {
    throw new Error('--frontend-url must be an address such as http://localhost:5173')
  }
  return { help, example, frontendUrl }
}
