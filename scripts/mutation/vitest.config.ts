/** The tests that a mutant has to face. `MUTATE` names the folder of `src` that it is in. */
import { defineConfig, type Plugin } from 'vitest/config'
import { clearEnvironment, dropBrokenConnectionNotes } from '../../test/setup/own-environment.ts'
import { workerdProject } from '../../test/setup/workerd-project.ts'
import type {} from './context.ts'

const { MUTATE: folder = 'db' } = process.env

clearEnvironment()
dropBrokenConnectionNotes()

/** Each folder has tests of its own, and those of what it does for the whole. */
const TESTS: Readonly<Record<string, string[]>> = {
  tokens: [
    'test/tokens/*.test.ts',
    'test/security/tokens.test.ts',
    'test/routes/account/{refresh,logout}.test.ts',
    'test/routes/password/reset-password.test.ts',
  ],
  passwords: [
    'test/passwords/*.test.ts',
    'test/security/passwords.test.ts',
    'test/routes/users/register.test.ts',
  ],
  'rate-limit': ['test/rate-limit/*.test.ts', 'test/security/limits.test.ts', 'test/app.test.ts'],
  db: ['test/*.test.ts', 'test/{mail,routes}/**/*.test.ts', 'test/security/*.test.ts'],
}

/** Time, load, input and what the network does: slow, and nothing that a statement decides. */
const NOT_ABOUT_STATEMENTS = [
  'test/security/{overload,faults-*,headers,input,configuration,enumeration,logs}.test.ts',
  'test/{client,env,emails,openapi,steps,timeout}.test.ts',
]

/** Lets `setup.ts` put a mutant in place of a statement. */
const replaceStatements: Plugin = {
  name: 'replace-statements',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith('/src/db/statement.ts')) return
    const made = /const text = (sql\(.*\))\n/
    const run = /(async function run\(.*\) \{)\n/
    if (!made.test(code) || !run.test(code)) throw new Error('src/db/statement.ts has changed')
    return code
      .replace(made, 'const text = globalThis.statements.mutated($1)\n')
      .replace(run, '$1\nglobalThis.statements.ran(text)\n')
  },
}

const files = { include: TESTS[folder] ?? [], exclude: NOT_ABOUT_STATEMENTS }
const project = workerdProject('mutation', files)

export default defineConfig({
  test: {
    globalSetup: ['test/setup/local-world.ts'],
    provide: { fuzz: { seconds: 1, seed: null } },
    silent: true,
    maxWorkers: 2,
    projects: [
      folder === 'db'
        ? {
            ...project,
            plugins: [...project.plugins, replaceStatements],
            test: { ...project.test, setupFiles: ['scripts/mutation/setup.ts'] },
          }
        : project,
    ],
  },
})
