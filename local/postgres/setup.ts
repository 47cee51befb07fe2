import type pg from 'pg'
import type { Supervised } from '../process/supervise.ts'
import { SUPERUSER } from './cluster.ts'
import { connectAsSuperuser, connectWhenReady } from './connect.ts'

/** Owns the database. Not a superuser. */
export const ROLE = 'app'

export interface Passwords {
  superuser: string
  role: string
}

export function connectionUrl(port: number, database: string, { role }: Passwords): string {
  return `postgresql://${ROLE}:${role}@127.0.0.1:${port}/${encodeURIComponent(database)}`
}

interface Setup {
  port: number
  database: string
  passwords: Passwords
  /** Whether the role can create databases. Tests need it to copy theirs. */
  canCreateDatabases: boolean
}

/** Waits until the server is ready, then creates or updates the role and its database. */
export async function setUp(server: Supervised, setup: Setup): Promise<void> {
  const { port, database, passwords, canCreateDatabases } = setup
  const client = await connectWhenReady(port, passwords.superuser, server)
  try {
    await setPassword(client, SUPERUSER, passwords.superuser)
    const roles = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [ROLE])
    if (roles.rowCount === 0) await client.query(`CREATE ROLE ${ROLE} LOGIN`)
    if (canCreateDatabases) await client.query(`ALTER ROLE ${ROLE} CREATEDB`)
    await setPassword(client, ROLE, passwords.role)

    const name = client.escapeIdentifier(database)
    const { rows } = await client.query<{ owner: string }>(
      'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1',
      [database],
    )
    if (rows[0] === undefined) {
      await client.query(`CREATE DATABASE ${name} OWNER ${ROLE}`)
    } else if (rows[0].owner !== ROLE) {
      await transferOwnership(port, database, passwords.superuser)
      await client.query(`ALTER DATABASE ${name} OWNER TO ${ROLE}`)
    }
  } finally {
    await client.end()
  }
}

async function setPassword(client: pg.Client, role: string, password: string): Promise<void> {
  await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(password)}`)
}

/**
 * What the superuser owns outside the system schemas. REASSIGN OWNED does not work for the superuser
 * that initdb created. Sequences of columns and types of tables change owner with their table.
 */
const OWNED = `
  WITH schemas AS (
    SELECT oid, nspname, nspowner FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  )
  SELECT format('SCHEMA %I', nspname) AS object FROM schemas
  WHERE nspowner = $1::regrole
  UNION ALL
  SELECT format('TABLE %s', c.oid::regclass) FROM pg_class c JOIN schemas s ON s.oid = relnamespace
  WHERE relowner = $1::regrole AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'i')
      AND refclassid = 'pg_class'::regclass AND relkind = 'S'
  )
  UNION ALL
  SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p JOIN schemas s ON s.oid = pronamespace
  WHERE proowner = $1::regrole
  UNION ALL
  SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t JOIN schemas s ON s.oid = typnamespace
  WHERE typowner = $1::regrole AND typtype IN ('e', 'd', 'r')`

/** In data folders of earlier versions the superuser was the only role and owned all tables. */
async function transferOwnership(port: number, database: string, password: string): Promise<void> {
  const client = await connectAsSuperuser(port, password, database)
  try {
    await client.query('BEGIN')
    const { rows } = await client.query<{ object: string }>(OWNED, [SUPERUSER])
    for (const { object } of rows) await client.query(`ALTER ${object} OWNER TO ${ROLE}`)
    await client.query('COMMIT')
  } finally {
    await client.end()
  }
}
