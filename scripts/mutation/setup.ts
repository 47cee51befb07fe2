/** Before each test file of a run of mutants: what `src/db/statement.ts`, rewritten by the plugin, asks. */
import { afterAll, inject } from 'vitest'
import type {} from './context.ts'

const replacements = inject('replacements')
const ran = new Set<string>()

globalThis.statements = {
  mutated: (text) => replacements[text] ?? text,
  ran: (text) => void ran.add(text),
}

// biome-ignore lint/correctness/noEmptyPattern: Vitest reads the parameter to learn what is wanted.
afterAll(({}, file) => {
  Object.assign(file.meta, { ran: [...ran] })
})
