import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The folder of examples/react, and its Vite: a program of Node, to be run there. */
export function exampleIn(repository: string): { example: string; vite: string } {
  const example = join(repository, 'examples/react')
  const { resolve } = createRequire(join(example, 'package.json'))
  return { example, vite: join(resolve('vite/package.json'), '../bin/vite.js') }
}
