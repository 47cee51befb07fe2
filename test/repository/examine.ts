/** Runs `npm run doctor` on the tests' environment, with parts of it broken. */
import pg from 'pg'
import { expect, inject } from 'vitest'
import { runDoctor } from '../../scripts/doctor.ts'
import { type Fault, openLane, type Target } from '../setup/lanes.ts'
import { newDatabase } from '../setup/new-database.ts'
import { runProgram } from '../setup/program.ts'
import type {} from '../setup/world.ts'

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
  const ended = await runProgram('scripts/doctor.ts', args, env)
  expectNoSecrets(ended.stdout + ended.stderr, bindings)
  return ended
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
  const url = await newDatabase()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
  return url
}

export async function faulty(target: Target, fault: Fault): Promise<string> {
  const lane = await openLane(faultProxyUrl, target)
  await lane.fault(fault)
  return lane.url
}
