// `npm run sbom`: the bill of materials of what is installed.
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import packageJson from '../package.json' with { type: 'json' }
import { runCommand } from './command-line.ts'

const FILE = 'dist/sbom.json'
const ROOT = join(import.meta.dirname, '..')

/** A list of hundreds of packages is larger than the default of 1 MiB. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** @returns what to print */
async function writeSbom(): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'],
    { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES },
  )
  const sbom = JSON.parse(stdout)
  // npm names the folder of the checkout.
  const { name, version } = packageJson
  Object.assign(sbom.metadata.component, { name, version })
  const file = join(ROOT, FILE)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, `${JSON.stringify(sbom, null, 2)}\n`)
  return `SBOM of ${name} ${version} written to ${FILE}: CycloneDX ${sbom.specVersion}, ${sbom.components.length} packages`
}

await runCommand(
  {
    name: 'npm run sbom',
    about: `Writes ${FILE}: everything that is installed, as CycloneDX JSON.`,
  },
  async () => console.log(await writeSbom()),
)
