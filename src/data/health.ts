import { sql } from 'drizzle-orm'
import type { Database } from './database.ts'

/** Asks the database for nothing but an answer. Not retried: a probe tells what is, not what may be. */
export const pingDatabase = ({ write }: Database) => write.execute(sql`select 1`)
