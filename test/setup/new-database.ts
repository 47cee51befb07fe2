import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type {} from './world.ts'

/**
 * Creates a database for a test in Node: migrated and empty, unless it is a copy of another template. It goes
 * with the server.
 *
 * @returns its URL
 */
export async function newDatabase(template = 'accounts_template'): Promise<string> {
  const url = new URL(inject('world').bindings['DATABASE_URL'] ?? '')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query(`create database ${name} template ${template}`)
  await client.end()
  url.pathname = `/${name}`
  return url.href
}
