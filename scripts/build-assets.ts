// Builds the static assets of the Worker: its own pages, Swagger UI, ReDoc, the OpenAPI document.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { runCommand } from './command-line.ts'
import { buildOpenApi } from './openapi.ts'

const ROOT = join(import.meta.dirname, '..')

/** Files of npm packages: the source in node_modules, and the target in /assets/. */
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

// ReDoc loads this badge from elsewhere and has no option to turn it off. Without an address the image
// is hidden, and the text link to Redocly remains.
const REDOC_BADGE = 'src:"https://cdn.redoc.ly/redoc/logo-mini.svg"'

async function removeRedocBadge(file: string): Promise<void> {
  const source = await readFile(file, 'utf8')
  if (!source.includes(REDOC_BADGE)) {
    throw new Error(
      'ReDoc no longer contains the badge that scripts/build-assets.ts removes. Check what it loads from elsewhere now, and update or delete REDOC_BADGE.',
    )
  }
  await writeFile(file, source.replace(REDOC_BADGE, 'src:""'))
}

/** Pages are at the root, everything they load is in /assets/. */
async function copyOwnFiles(outDir: string): Promise<void> {
  for (const name of await readdir(join(ROOT, 'assets'))) {
    const folder = extname(name) === '.html' ? outDir : join(outDir, 'assets')
    await copyFile(join(ROOT, 'assets', name), join(folder, name))
  }
}

/** Rebuilds the folder of static assets. A relative `outDir` is relative to the repository. */
export async function buildAssets(outDir = 'dist/assets'): Promise<string> {
  const target = resolve(ROOT, outDir)
  await rm(target, { recursive: true, force: true })
  await mkdir(join(target, 'assets'), { recursive: true })
  await copyOwnFiles(target)
  for (const [from, to] of VENDORED) {
    await copyFile(join(ROOT, 'node_modules', from), join(target, 'assets', to))
  }
  await removeRedocBadge(join(target, 'assets/redoc.standalone.js'))
  await writeFile(join(target, 'openapi.json'), JSON.stringify(buildOpenApi()))
  return target
}

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run build:assets',
      about:
        'Writes the static assets to dist/assets: pages, Swagger UI, ReDoc, the OpenAPI document.',
    },
    async () => console.log(`Static assets written to ${await buildAssets()}`),
  )
}
