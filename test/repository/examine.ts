/** Runs `npm run doctor` on the tests' environment, with one thing or another broken. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { expect, inject } from 'vitest'
import { runDoctor } from '../../scripts/doctor.ts'
import { type Fault, openLane, type Target } from '../setup/lanes.ts'
import type {} from '../setup/world.ts'

const DOCTOR = join(import.meta.dirname, '../../scripts/doctor.ts')

const SECRETS = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'RESEND_API_KEY',
  'SECRET_KEY',
  'JWT_SIGNING_KEYS',
  'ADMIN_BOOTSTRAP_TOKEN',
]

const { bindings, faultProxyUrl } = inject('world')

/** Runs the doctor on the tests' environment, some of it replaced; '' unsets a variable. */
export async function examine(replaced: Record<string, string> = {}, args: string[] = []) {
  const variables: Record<string, string> = { ...bindings, ...replaced }
  const lines: string[] = []
  const code = await runDoctor(args, args.length > 0 ? {} : variables, {
    line: (text) => lines.push(text),
    error: (text) => lines.push(text),
  })
  const output = lines.join('\n')
  for (const value of secretsOf(variables)) expect(output).not.toContain(value)
  expect(output).not.toMatch(/^\s+at /m)
  return { code, output }
}

/** The same as a program of its own, as `npm run doctor` starts it. */
export async function examineAsProgram(args: string[], env: Record<string, string> = bindings) {
  const child = spawn(process.execPath, [DOCTOR, ...args], { env })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  for (const value of secretsOf(bindings)) expect(stdout + stderr).not.toContain(value)
  return { code, stdout, stderr }
}

/** The secrets among the variables, and the password in the database's address by itself. */
function secretsOf(variables: Record<string, string>) {
  const { password } = new URL(variables['DATABASE_URL'] ?? '')
  return [...SECRETS.map((name) => variables[name]), password].filter(Boolean)
}

/** The one broken thing has its line, and is the only one that fails. */
export async function expectFailure(replaced: Record<string, string>, line: RegExp) {
  const { code, output } = await examine(replaced)
  expect(output).toMatch(line)
  expect(output.match(/^FAIL/gm)).toHaveLength(1)
  expect(code).toBe(1)
}

/** A migrated, empty database of its own, changed by these statements. */
export async function databaseWith(...statements: string[]): Promise<string> {
  const url = new URL(bindings['DATABASE_URL'] ?? '')
  const name = `doctor_${randomUUID().replaceAll('-', '')}`
  const run = async (on: string, each: string[]) => {
    const client = new pg.Client({ connectionString: new URL(on, url).href })
    await client.connect()
    for (const statement of each) await client.query(statement)
    await client.end()
  }
  await run('/postgres', [`create database ${name} template accounts_template`])
  await run(`/${name}`, statements)
  return new URL(`/${name}`, url).href
}

export async function faulty(target: Target, fault: Fault): Promise<string> {
  const lane = await openLane(faultProxyUrl, target)
  await lane.fault(fault)
  return lane.url
}
