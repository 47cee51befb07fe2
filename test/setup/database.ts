/** The Worker's database, for what no response shows. */
import { neon } from '@neondatabase/serverless'
import { inject } from 'vitest'
import type {} from './world.ts'

/** Runs a statement on the tests' database, or on another one on the same server. */
export async function sql<Row = Record<string, unknown>>(
  statement: string,
  parameters: unknown[] = [],
  url = inject('world').bindings['DATABASE_URL'] ?? '',
): Promise<Row[]> {
  const { neonUrl } = inject('world')
  const query = neon(url, { fetchOptions: { endpoint: `${neonUrl}/sql` } })
  return (await query.query(statement, parameters)) as Row[]
}

/** An empty database with all tables, for tests that need an empty installation. */
export async function emptyDatabase(): Promise<string> {
  const { bindings } = inject('world')
  const name = `empty_${crypto.randomUUID().replaceAll('-', '')}`
  await sql(`create database ${name} template accounts_template`)
  const url = new URL(bindings['DATABASE_URL'] ?? '')
  url.pathname = `/${name}`
  return url.href
}
