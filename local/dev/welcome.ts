import { styleText } from 'node:util'

export interface Addresses {
  worker: string
  /** Missing if a variable in .dev.vars sets another one. */
  mailbox?: string
  postgres?: string
  redis?: string
}

const LABEL_WIDTH = 10

/** The addresses and a first call. */
export function welcome(addresses: Addresses, color: boolean): string {
  const { worker, mailbox, postgres, redis } = addresses
  const bold = (text: string) => (color ? styleText('bold', text, { validateStream: false }) : text)
  const row = (label: string, value: string) => `  ${label.padEnd(LABEL_WIDTH)}${value}`
  const theirs = 'yours, as set in .dev.vars'
  return `
${bold('Ready.')}

${row('API', bold(worker))}
${row('Docs', `${worker}/docs (try calls there), ${worker}/redoc`)}
${row('Mail', mailbox ?? theirs)}
${row('Database', postgres ?? theirs)}
${row('Redis', redis ?? theirs)}

Make an account:

  curl ${worker}/api/users/register -H 'content-type: application/json' \\
    -d '{"username": "ada", "email": "ada@example.com", "password": "a long sentence of my own"}'

The welcome mail is in the mail box a moment later. Ctrl-C stops everything; the data stays.
`
}
