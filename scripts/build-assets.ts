// Puts together what the Worker's static-assets binding serves: own pages, Swagger UI, ReDoc, OpenAPI.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { buildOpenApi } from './openapi.ts'

const ROOT = join(import.meta.dirname, '..')

/** Files taken from installed packages: from, below node_modules, and to, below /assets/. */
const VENDORED = [
  ['swagger-ui-dist/swagger-ui-bundle.js', 'swagger-ui-bundle.js'],
  ['swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt', 'swagger-ui-bundle.js.LICENSE.txt'],
  ['swagger-ui-dist/swagger-ui.css', 'swagger-ui.css'],
  ['swagger-ui-dist/LICENSE', 'swagger-ui.LICENSE.txt'],
  ['swagger-ui-dist/NOTICE', 'swagger-ui.NOTICE.txt'],
  ['redoc/bundles/redoc.standalone.js', 'redoc.standalone.js'],
  ['redoc/bundles/redoc.standalone.js.LICENSE.txt', 'redoc.standalone.js.LICENSE.txt'],
  ['redoc/LICENSE', 'redoc.LICENSE.txt'],
] as const

// ReDoc fetches this badge on every load and has no option against it. Without an address the image
// hides itself, and the text link to its makers stays.
const REDOC_BADGE = 'src:"https://cdn.redoc.ly/redoc/logo-mini.svg"'

async function dropRedocBadge(file: string): Promise<void> {
  const source = await readFile(file, 'utf8')
  if (!source.includes(REDOC_BADGE)) {
    throw new Error(
      'ReDoc no longer holds the badge that scripts/build-assets.ts takes out. See what it loads from elsewhere now, and change or delete REDOC_BADGE.',
    )
  }
  await writeFile(file, source.replace(REDOC_BADGE, 'src:""'))
}

/** Pages lie at the root, where their addresses are; everything they load lies below /assets/. */
async function copyOwnFiles(outDir: string): Promise<void> {
  for (const name of await readdir(join(ROOT, 'assets'))) {
    const folder = extname(name) === '.html' ? outDir : join(outDir, 'assets')
    await copyFile(join(ROOT, 'assets', name), join(folder, name))
  }
}

/** Writes the folder of static assets anew; a relative `outDir` counts from the repository. */
export async function buildAssets(outDir = 'dist/assets'): Promise<string> {
  const target = resolve(ROOT, outDir)
  await rm(target, { recursive: true, force: true })
  await mkdir(join(target, 'assets'), { recursive: true })
  await copyOwnFiles(target)
  for (const [from, to] of VENDORED) {
    await copyFile(join(ROOT, 'node_modules', from), join(target, 'assets', to))
  }
  await dropRedocBadge(join(target, 'assets/redoc.standalone.js'))
  await writeFile(join(target, 'openapi.json'), `${JSON.stringify(buildOpenApi(), null, 2)}\n`)
  return target
}

if (import.meta.main) console.log(`Static assets written to ${await buildAssets()}`)
