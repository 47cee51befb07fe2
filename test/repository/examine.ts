/** Runs `npm run doctor` on the tests' environment, with parts of it broken. */
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

const { bindings, faultProxyUrl } = inject('world')

/** Runs the doctor on the tests' environment, some of it replaced; '' unsets a variable. */
export async function examine(replaced: Record<string, string> = {}) {
  const variables: Record<string, string> = { ...bindings, ...replaced }
  const lines: string[] = []
  const isSound = await runDoctor({ name: 'the tests', values: variables }, (text) =>
    lines.push(text),
  )
  const output = lines.join('\n')
  expectNoSecrets(output, variables)
  expect(output).not.toMatch(/^\s+at /m)
  return { code: isSound ? 0 : 1, output }
}

/** Runs the doctor as a program, as `npm run doctor` does. */
export async function examineAsProgram(args: string[], env: Record<string, string> = bindings) {
  const child = spawn(process.execPath, [DOCTOR, ...args], { env })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  expectNoSecrets(stdout + stderr, bindings)
  return { code, stdout, stderr }
}

/** The output has no secret variable, nor the password of the database by itself. */
function expectNoSecrets(output: string, variables: Record<string, string>) {
  const { password } = new URL(variables['DATABASE_URL'] ?? '')
  const secrets = Object.entries(variables)
    .filter(([name]) => /DATABASE_URL|TOKEN$|API_KEY|SECRET_KEY|SIGNING_KEYS/.test(name))
    .map(([, value]) => value)
  for (const secret of [password, ...secrets].filter(Boolean)) expect(output).not.toContain(secret)
}

/** The URL of a new database, migrated and empty but for what this statement changes. */
export async function databaseWith(statement: string): Promise<string> {
  const url = new URL(bindings['DATABASE_URL'] ?? '')
  const name = `doctor_${randomUUID().replaceAll('-', '')}`
  for (const [database, query] of [
    ['postgres', `create database ${name} template accounts_template`],
    [name, statement],
  ] as const) {
    url.pathname = `/${database}`
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query(query)
    await client.end()
  }
  return url.href
}

export async function faulty(target: Target, fault: Fault): Promise<string> {
  const lane = await openLane(faultProxyUrl, target)
  await lane.fault(fault)
  return lane.url
}
