import { readCommandLine } from '../../scripts/command-line.ts'

export interface Options {
  /** Whether examples/react is the frontend. */
  example: boolean
  frontendUrl: string | undefined
}

/** Prints the help, or why the arguments are wrong, and exits. */
export function readOptions(): Options {
  const { example, 'frontend-url': frontendUrl } = readCommandLine({
    name: 'npm run dev',
    about: `Starts PostgreSQL, Redis, a mailbox and the Worker on this machine. The data stays in .local/. The
service's variables are in .dev.vars; when that file changes, the service restarts by itself.`,
    options: {
      example: {
        ...{ type: 'boolean', default: false },
        about: 'starts examples/react, too, as the frontend: what `npm run example` does',
      },
      'frontend-url': {
        ...{ type: 'string', value: '<url>', isUrl: true },
        about: 'your frontend, where links in emails lead, unless .dev.vars sets FRONTEND_URL',
      },
    },
    details: `Ports are variables of the shell: PORT (8787, the API), MAILBOX_PORT (8025), POSTGRES_PORT (54329),
NEON_PORT (54330), UPSTASH_PORT (54331), EXAMPLE_PORT (5173). For example: PORT=9000 npm run dev`,
  }).values
  return { example, frontendUrl }
}
