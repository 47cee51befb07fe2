/**
 * `npm run check:openapi`: lints the OpenAPI document (spectral.yaml), generates clients from it with two
 * generators, and compiles the programs in clients/ that use them.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCommandLine } from '../scripts/command-line.ts'
import { buildOpenApi } from '../scripts/openapi.ts'
import { run } from './run.ts'

/** Relative to the root of the repository, where the programs run. */
const OUT = 'dist/clients'
const DOCUMENT = `${OUT}/openapi.json`

readCommandLine({
  name: 'npm run check:openapi',
  about: `Lints the OpenAPI document, generates clients from it with two generators, and compiles them. The rules
are in tools/spectral.yaml.`,
})
await mkdir(join(import.meta.dirname, '..', OUT), { recursive: true })
await writeFile(join(import.meta.dirname, '..', DOCUMENT), JSON.stringify(buildOpenApi(), null, 2))

run('spectral', 'lint', DOCUMENT, '--ruleset', 'tools/spectral.yaml', '--fail-severity', 'hint')
run('openapi-typescript', DOCUMENT, '--output', `${OUT}/openapi-typescript/schema.ts`)
run('openapi-ts', '--input', DOCUMENT, '--output', `${OUT}/hey-api`, '--no-log-file')
run('tsc', '--project', 'tools/clients')
console.log('The clients of openapi-typescript and @hey-api/openapi-ts compile')
