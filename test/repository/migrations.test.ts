import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { expect, test } from 'vitest'
import journal from '../../migrations/meta/_journal.json' with { type: 'json' }
import * as schema from '../../migrations/schema.ts'

const FOLDER = join(import.meta.dirname, '../../migrations')

type Snapshot = Parameters<typeof generateMigration>[0]

const files = await readdir(join(FOLDER, 'meta'))
const snapshots = await Promise.all(
  files
    .filter((name) => name !== '_journal.json')
    .sort()
    .map(
      async (name): Promise<Snapshot> =>
        JSON.parse(await readFile(join(FOLDER, 'meta', name), 'utf8')),
    ),
)

test('migrations/schema.ts matches the migrations (if not: npm run generate)', async () => {
  const last = snapshots.at(-1)
  if (!last) throw new Error('There is no snapshot')
  const now = generateDrizzleJson(schema, last.id)
  expect(await generateMigration(last, now)).toEqual([])
  // The comparison detects differences.
  expect(await generateMigration(last, { ...now, tables: {} })).not.toEqual([])
})

test('each migration follows the one before', () => {
  expect(journal.entries.map(({ idx }) => idx)).toEqual([...journal.entries.keys()])
  const times = journal.entries.map(({ when }) => when)
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
  expect(snapshots.length).toBe(journal.entries.length)
  for (const [i, { prevId }] of snapshots.entries()) {
    expect(prevId).toBe(snapshots[i - 1]?.id ?? '00000000-0000-0000-0000-000000000000')
  }
})

test('the journal lists every migration, and none of them reverts another', async () => {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort()
  expect(files).toEqual(journal.entries.map(({ tag }) => `${tag}.sql`))
  expect(files.filter((name) => /down|revert|rollback/i.test(name))).toEqual([])
})
