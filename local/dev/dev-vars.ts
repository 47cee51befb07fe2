import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

export interface DevVars {
  /** What the file sets, without empty variables. */
  values: Map<string, string>
  /** A sentence for each thing that was done to the file. */
  done: string[]
}

/** As the value of a line: quoted where a bare one would be cut at a `#` or lose its quotes. */
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
 * Reads `.dev.vars`, made from `.dev.vars.example` if there is none. Secrets in `generate` that it
 * leaves empty are filled in; what it sets is never changed.
 */
export async function ensureDevVars(
  folder: string,
  generate: Record<string, () => string | Promise<string>>,
): Promise<DevVars> {
  const file = join(folder, '.dev.vars')
  const done: string[] = []
  const isNew = !existsSync(file)
  let text = readFileSync(isNew ? `${file}.example` : file, 'utf8')
  if (isNew) done.push('Made .dev.vars from .dev.vars.example.')

  const before = parseEnv(text)
  const missing = Object.entries(generate).filter(([name]) => !before[name])
  for (const [name, make] of missing) text = fill(text, name, await make())
  if (missing.length > 0) {
    done.push(`Put a fresh ${missing.map(([name]) => name).join(' and ')} into .dev.vars.`)
  }
  if (done.length > 0) writeFileSync(file, text, { mode: 0o600 })

  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(parseEnv(text))) if (value) values.set(name, value)
  return { values, done }
}
