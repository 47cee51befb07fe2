import { shown, table } from '../report/table.ts'
import type { Client } from './client.ts'
import type { AccountLedger } from './ledger.ts'
import type { Watch } from './watch.ts'

export type SoakFigures = {
  seconds: number
  faults: number
  ledgers: AccountLedger[]
  client: Client
  watch: Watch
  mail: { delivered: number; retried: number }
}

/** What happened, as tables in Markdown. */
export function soakReport({ seconds, faults, ledgers, client, watch, mail }: SoakFigures): string {
  const sum = (of: (ledger: AccountLedger) => number) =>
    ledgers.reduce((total, ledger) => total + of(ledger), 0)
  const { middle, last, highest } = watch.memory()
  const responses = [...client.statuses.values()].reduce((total, count) => total + count, 0)
  const events = [...watch.events].sort().map(([name, count]) => `${name} ${count}`)
  const figures = [
    ['Seconds, faults', `${seconds}, ${faults}`],
    ['Responses', responses],
    ['Accounts registered', sum(({ registered }) => registered.sure)],
    [
      'Logins, and those that a 503 leaves open',
      `${sum(({ logins }) => logins.sure)}, ${sum(({ logins }) => logins.maybe)}`,
    ],
    ['Mails delivered, deliveries retried', `${mail.delivered}, ${mail.retried}`],
    ['Slowest response, ms', shown(client.slowestMs())],
    [
      'Memory, MiB: middle third, last third, highest',
      [middle, last, highest].map(shown).join(', '),
    ],
    ['Log lines', `${watch.lines()}: ${events.join(', ')}`],
  ]
  const requests = [...client.statuses].sort()
  return `${table(['Soak', ''], figures)}\n\n${table(['Request', 'responses'], requests)}`
}
