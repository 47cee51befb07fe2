/** What the operator, who has the connection string of the database, erases: `npm run smoke -- --write`. */
import * as z from 'zod/mini'
import { BY_OPERATOR } from './admins-by-operator.ts'
import { requestSource } from './audit-events.ts'
import { erase } from './erasure.ts'
import { one, write } from './statement.ts'

/** Erases the user of this name, deleted or not. */
export const eraseUserByOperator = write({
  parameters: { username: 'text', ...requestSource },
  returns: one(z.object({ erased: z.coerce.number() })),
  sql: ($) => `
    with due as (
      select id from users where lower(username) = lower(${$.username}) for update
    ), ${erase($, 'due', { details: BY_OPERATOR })}
    select count(*) as erased from erased`,
})
