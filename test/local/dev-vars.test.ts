import {
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  changedNames,
  duplicatesIn,
  ensureDevVars,
  parseDevVars,
  versionsOf,
} from '../../local/dev/dev-vars.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dev-vars-'))
  file = join(folder, '.dev.vars')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('ensureDevVars', () => {
  const generate = { SECRET_KEY: () => 'fresh', JWT_KEYS: async () => '{"keys": ["a#b"]}' }

  test.each([
    {
      name: 'copies .dev.vars.example and generates the secrets',
      from: '.dev.vars.example',
      before: '# A comment.\nSECRET_KEY=\nJWT_KEYS=""\nDATABASE_URL=\nNAME="A b"\n',
      after: `# A comment.\nSECRET_KEY=fresh\nJWT_KEYS='{"keys": ["a#b"]}'\nDATABASE_URL=\nNAME="A b"\n`,
      values: { SECRET_KEY: 'fresh', JWT_KEYS: '{"keys": ["a#b"]}', NAME: 'A b' },
      changes: [
        'Created .dev.vars from .dev.vars.example.',
        'Generated SECRET_KEY and JWT_KEYS in .dev.vars.',
      ],
    },
    {
      name: 'leaves a complete .dev.vars unchanged',
      from: '.dev.vars',
      before: 'SECRET_KEY = mine\nDATABASE_URL=postgresql://x\nJWT_KEYS="theirs"',
      after: 'SECRET_KEY = mine\nDATABASE_URL=postgresql://x\nJWT_KEYS="theirs"',
      values: { SECRET_KEY: 'mine', DATABASE_URL: 'postgresql://x', JWT_KEYS: 'theirs' },
      changes: [],
    },
    {
      name: 'fills a secret that is empty twice',
      from: '.dev.vars',
      before: 'JWT_KEYS=mine\r\nSECRET_KEY=\r\nSECRET_KEY=\r\n',
      after: 'JWT_KEYS=mine\r\nSECRET_KEY=\r\nSECRET_KEY=\r\nSECRET_KEY=fresh\n',
      values: { SECRET_KEY: 'fresh', JWT_KEYS: 'mine' },
      changes: ['Generated SECRET_KEY in .dev.vars.'],
    },
    {
      name: 'adds a missing secret',
      from: '.dev.vars',
      before: 'SECRET_KEY=mine',
      after: `SECRET_KEY=mine\nJWT_KEYS='{"keys": ["a#b"]}'\n`,
      values: { SECRET_KEY: 'mine', JWT_KEYS: '{"keys": ["a#b"]}' },
      changes: ['Generated JWT_KEYS in .dev.vars.'],
    },
  ])('$name', async ({ from, before, after, values, changes }) => {
    writeFileSync(join(folder, from), before, { mode: 0o600 })
    expect(await ensureDevVars(file, generate)).toEqual(changes)
    expect(readFileSync(file, 'utf8')).toBe(after)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(Object.fromEntries(parseDevVars(after))).toEqual(values)
  })
})

test('parseDevVars reads files of every editor, without empty variables', () => {
  const lines = [
    '\uFEFFFIRST=1',
    'export EXPORTED = yes',
    'EMPTY=',
    'TWICE=a',
    `QUOTED="a # b"`,
    'TWICE=b',
  ]
  const values = { FIRST: '1', EXPORTED: 'yes', QUOTED: 'a # b', TWICE: 'b' }
  for (const end of ['\n', '\r\n']) {
    expect(Object.fromEntries(parseDevVars(lines.join(end)))).toEqual(values)
    expect(duplicatesIn(lines.join(end))).toEqual(['TWICE'])
  }
})

test('changedNames are those that were added, removed, or have another value', () => {
  const before = parseDevVars('SAME=1\nOTHER=1\nREMOVED=1\nEMPTY=')
  const after = parseDevVars('# A comment.\nADDED=1\nOTHER=2\nSAME="1"')
  expect(changedNames(before, after).sort()).toEqual(['ADDED', 'OTHER', 'REMOVED'])
})

test('versionsOf yields what a file holds once it has settled, however it is written', async () => {
  const versions: (string | undefined)[] = []
  void (async () => {
    for await (const text of versionsOf(file)) versions.push(text)
  })()
  const writes = [
    () => writeFileSync(file, 'A=1'),
    // Truncated first, then written in steps.
    async () => {
      truncateSync(file)
      await sleep(20)
      writeFileSync(file, 'A=')
      await sleep(20)
      writeFileSync(file, 'A=2')
    },
    // Another file, renamed.
    () => {
      writeFileSync(`${file}.tmp`, 'A=3')
      renameSync(`${file}.tmp`, file)
    },
    // Removed first.
    async () => {
      rmSync(file)
      await sleep(20)
      writeFileSync(file, 'A=4')
    },
    () => rmSync(file),
  ]
  for (const [i, write] of writes.entries()) {
    await write()
    await expect.poll(() => versions.length, { timeout: 10_000 }).toBe(i + 2)
  }
  expect(versions).toEqual([undefined, 'A=1', 'A=2', 'A=3', 'A=4', undefined])
})
