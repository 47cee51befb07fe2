import * as z from 'zod'
import { one, write } from './statement.ts'

/** Asks the database for nothing but a response. Sent once: a health check tells what is now. */
export const ping = write({
  parameters: {},
  returns: one(z.object({ alive: z.literal(1) })),
  sql: () => 'select 1 as alive',
})
