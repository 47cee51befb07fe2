import { styleText } from 'node:util'

export interface Addresses {
  worker: string
  frontend?: string | undefined
  /** Undefined if .dev.vars sets another one. */
  mailbox?: string
  postgres?: string
  redis?: string
}

const LABEL_WIDTH = 10

/** The addresses, and a first request to try. */
export function welcome(addresses: Addresses, color: boolean): string {
  const { worker, frontend, mailbox, postgres, redis } = addresses
  const bold = (text: string) => (color ? styleText('bold', text, { validateStream: false }) : text)
  const row = (label: string, value: string) => `  ${label.padEnd(LABEL_WIDTH)}${value}`
  const custom = 'as set in .dev.vars'
  return `
${bold('Ready.')}

${frontend === undefined ? '' : `${row('Frontend', bold(frontend))}\n`}${row('API', bold(worker))}
${row('Docs', `${worker}/docs (interactive), ${worker}/redoc`)}
${row('Mail', mailbox ?? custom)}
${row('Database', postgres ?? custom)}
${row('Redis', redis ?? custom)}

Create an account:

  curl ${worker}/api/v1/users/register -H 'content-type: application/json' \\
    -d '{"username": "ada", "email": "ada@example.com", "password": "a long sentence of my own"}'

The welcome email arrives in the mailbox a moment later. To connect a frontend of your own, read
docs/connect-a-frontend.md. Press Ctrl-C to stop; the data is kept.
`
}
