import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import { type Bundle, buildBundle } from '../../scripts/build.ts'
import type {} from '../setup/world.ts'

const POLL_MS = 100

/** The bundle of this run, in a folder that the run deletes. The first file of tests that needs it builds it. */
export async function builtBundle(): Promise<Bundle> {
  const folder = join(dirname(inject('world').wranglerConfig), 'bundle')
  const record = `${folder}.json`
  const isFirst = await mkdir(`${folder}.lock`).then(
    () => true,
    () => false,
  )
  if (isFirst) await build(folder, record)
  for (;;) {
    const known = await readFile(record, 'utf8').catch(() => undefined)
    if (known) return JSON.parse(known)
    await sleep(POLL_MS)
  }
}

/** A failure is for the test that waits for it; the next one builds again. */
async function build(folder: string, record: string): Promise<void> {
  try {
    await writeFile(`${record}.partial`, JSON.stringify(await buildBundle(folder)))
    await rename(`${record}.partial`, record)
  } catch (error) {
    await rm(`${folder}.lock`, { recursive: true })
    throw error
  }
}
