/** What others on the machine see of `npm run backup`. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../scripts/backup/programs.ts'

test.each([
  'postgresql://me:p%40ss@host/db?sslmode=require&options=-c%20jit%3Doff',
  'postgresql://me@host/db?sslmode=require&options=-c%20jit%3Doff&password=p%40ss',
])('pg_dump gets the password of %s in its environment, not as an argument', async (url) => {
  const folder = await mkdtemp(join(tmpdir(), 'programs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const program = join(folder, 'pg_dump')
  await writeFile(program, '#!/bin/sh\necho "$PGPASSWORD for $*"\n')
  await chmod(program, 0o700)
  expect(await run({ folder, major: 17 }, 'pg_dump', ['--schema-only'], url)).toBe(
    'p@ss for --schema-only --dbname postgresql://me@host/db?sslmode=require&options=-c%20jit%3Doff\n',
  )
})
