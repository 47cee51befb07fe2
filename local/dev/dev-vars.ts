import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

export interface DevVars {
  /** The variables in the file that are not empty. */
  values: Map<string, string>
  /** A sentence for each change to the file. */
  changes: string[]
}

/** Quotes a value that would otherwise be cut at a `#` or lose its quotes. */
function quote(value: string): string {
  if (!/["'`#\s\\]/.test(value)) return value
  if (value.includes("'")) throw new Error('A generated value contains a quote')
  return `'${value}'`
}

function fill(text: string, name: string, value: string): string {
  const empty = new RegExp(`^([ \\t]*${name}[ \\t]*=)[ \\t]*(?:""|'')?[ \\t]*$`, 'm')
  if (empty.test(text)) return text.replace(empty, (_, start: string) => start + quote(value))
  return `${text.replace(/\n?$/, '\n')}${name}=${quote(value)}\n`
}

/**
 * Reads `.dev.vars`, after copying it from `.dev.vars.example` if it does not exist. Generates the
 * secrets in `generate` that are empty. Never changes a value that is set.
 */
export async function ensureDevVars(
  folder: string,
  generate: Record<string, () => string | Promise<string>>,
): Promise<DevVars> {
  const file = join(folder, '.dev.vars')
  const changes: string[] = []
  const isNew = !existsSync(file)
  let text = readFileSync(isNew ? `${file}.example` : file, 'utf8')
  if (isNew) changes.push('Created .dev.vars from .dev.vars.example.')

  const before = parseEnv(text)
  const missing = Object.entries(generate).filter(([name]) => !before[name])
  for (const [name, make] of missing) text = fill(text, name, await make())
  if (missing.length > 0) {
    changes.push(`Generated ${missing.map(([name]) => name).join(' and ')} in .dev.vars.`)
  }
  if (changes.length > 0) writeFileSync(file, text, { mode: 0o600 })

  const values = Object.entries(parseEnv(text)).flatMap(([name, value]): [string, string][] =>
    value ? [[name, value]] : [],
  )
  return { values: new Map(values), changes }
}
