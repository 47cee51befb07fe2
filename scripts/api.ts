// `npm run check:api`: compares the OpenAPI document with that of the last release.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addedOperations, breakingChanges, withoutEntry } from './api/changes.ts'
import { CommandError, runCommand } from './command-line.ts'
import type { Document } from './openapi/document.ts'
import { buildOpenApi } from './openapi.ts'

const ROOT = join(import.meta.dirname, '..')
const RELEASED = 'docs/openapi.json'
const CHANGELOG = 'docs/api-changelog.md'

export const readReleased = async (): Promise<Document> =>
  JSON.parse(await readFile(join(ROOT, RELEASED), 'utf8'))

export const readChangelog = () => readFile(join(ROOT, CHANGELOG), 'utf8')

async function check(): Promise<string> {
  const [released, changelog] = [await readReleased(), await readChangelog()]
  const current = buildOpenApi()
  const breaking = breakingChanges(released, current)
  const added = addedOperations(released, current)
  const missing = withoutEntry([...breaking, ...added], changelog)
  if (missing.length > 0) {
    const entries = missing.map((change) => `- \`${change}\``).join('\n')
    throw new CommandError(
      `Under "Unreleased" of ${CHANGELOG} there is no entry for:\n${entries}\nA change that breaks clients belongs in /api/v2: see its "Breaking changes".`,
    )
  }
  return `Since ${released.info.version}: operations added: ${added.length}, breaking changes: ${breaking.length}; all in ${CHANGELOG}`
}

async function release(): Promise<string> {
  const document = buildOpenApi()
  await writeFile(join(ROOT, RELEASED), `${JSON.stringify(document, null, 2)}\n`)
  return `${RELEASED} is that of ${document.info.version}. Name the section "Unreleased" of ${CHANGELOG} so, and begin another`
}

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run check:api',
      about: `Compares the OpenAPI document with that of the last release (${RELEASED}). Fails for a change that may
break clients, or an operation that was added, without an entry in ${CHANGELOG}.`,
      options: { release: { type: 'boolean', about: `writes ${RELEASED}, as part of a release` } },
    },
    async ({ values }) => console.log(await (values.release ? release() : check())),
  )
}
