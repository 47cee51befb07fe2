import { type AccountTables, displayName } from './accounts.ts'
import { clearAttempts } from './attempts.ts'
import { type Action, auditLine, type requestSource } from './audit-events.ts'
import { type CountedAct, countEmailsTo, isProven, mayReceive } from './caps.ts'
import { addEmail } from './outbox.ts'
import type { Placeholders } from './statement.ts'

type Source = Placeholders<typeof requestSource & { readonly emailId: 'uuid' }>

/**
 * CTEs of what comes with a new password, for each account of `from`: its attempts and the counts `clears`
 * begin anew, the owner is notified, the audit trail gets its line.
 */
export const passwordChanged = (
  tables: AccountTables,
  $: Source,
  { action, from, clears }: { action: Action; from: string; clears: readonly CountedAct[] },
) => {
  const { accountType } = tables
  return `
    cleared as (${clearAttempts(tables, from, clears)}),
    counted as (${countEmailsTo('notice', [
      { email: 'email', from: `${from} where not ${isProven(accountType, from)}` },
    ])}),
    notice as (${addEmail(
      'password-changed',
      {
        id: $.emailId,
        owner: { kind: accountType, id: 'a.id' },
        to: 'a.email',
        name: displayName('a'),
        place: $.country,
      },
      `${from} a where ${isProven(accountType, 'a')} or ${mayReceive('notice', 'counted', 'a.email')}`,
    )}),
    audited as (${auditLine($, { action, actor: { kind: accountType, id: 'id' } }, from)})`
}
