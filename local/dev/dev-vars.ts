import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEnv } from 'node:util'

/** Often enough to feel immediate. Notifications of the file system would miss files that Windows shares. */
const POLL_MS = 250

/** The variables of the file that are not empty. What is set twice has its last value. */
export function parseDevVars(text: string): Map<string, string> {
  const values = Object.entries(parseEnv(text.replace(/^\uFEFF/, ''))) // Of editors on Windows.
  return new Map(
    values.flatMap(([name, value]): [string, string][] => (value ? [[name, value]] : [])),
  )
}

/** The names of variables that the file sets more than once. */
export function duplicatesIn(text: string): string[] {
  const names = [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=/gm)].map(([, name]) => name)
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  return [...new Set(twice)].flatMap((name) => name ?? [])
}

/** The names of variables that are not the same in both. */
export const changedNames = (before: Map<string, string>, after: Map<string, string>) =>
  [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  )

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * The text of the file now, and each time it has changed; undefined while there is none that can be read.
 * A text counts once it has stayed the same for a moment: editors replace a file, or write it in steps.
 */
export async function* versionsOf(file: string): AsyncGenerator<string | undefined> {
  let before = read(file)
  let latest = before
  yield latest
  for (;;) {
    await sleep(POLL_MS)
    const text = read(file)
    if (text === before && text !== latest) {
      latest = text
      yield latest
    }
    before = text
  }
}

/** Quotes a value that would otherwise be cut at a `#` or lose its quotes. */
function quote(value: string): string {
  if (!/["'`#\s\\]/.test(value)) return value
  if (value.includes("'")) throw new Error('A generated value contains a quote')
  return `'${value}'`
}

function fill(text: string, name: string, value: string): string {
  const empty = new RegExp(`^([ \\t]*${name}[ \\t]*=)[ \\t]*(?:""|'')?[ \\t]*$`, 'm')
  const filled = text.replace(empty, (_, start: string) => start + quote(value))
  if (parseDevVars(filled).has(name)) return filled
  return `${text.replace(/\n?$/, '\n')}${name}=${quote(value)}\n`
}

/**
 * Creates `.dev.vars` from `.dev.vars.example` if it does not exist, and generates the secrets in
 * `generate` that are empty. Never changes a value that is set.
 *
 * @returns a sentence for each change
 */
export async function ensureDevVars(
  file: string,
  generate: Record<string, () => string | Promise<string>>,
): Promise<string[]> {
  const changes: string[] = []
  const isNew = !existsSync(file)
  let text = readFileSync(isNew ? `${file}.example` : file, 'utf8')
  if (isNew) changes.push('Created .dev.vars from .dev.vars.example.')

  const before = parseDevVars(text)
  const missing = Object.entries(generate).filter(([name]) => !before.has(name))
  for (const [name, make] of missing) text = fill(text, name, await make())
  if (missing.length > 0) {
    const names = new Intl.ListFormat('en').format(missing.map(([name]) => name))
    changes.push(`Generated ${names} in .dev.vars.`)
  }
  if (changes.length > 0) writeFileSync(file, text, { mode: 0o600 })
  return changes
}
