/** Programs of this repository, as somebody runs them. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

/** Starts a program with these variables alone, and those that find programs. */
export function startProgram(file: string, args: string[], variables: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, ...variables }
  return spawn(process.execPath, [join(ROOT, file), ...args], { env, cwd: ROOT })
}

/** What it has printed, once it has ended. Never a stack trace. */
export async function endOf(child: ChildProcessWithoutNullStreams) {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  expect(stdout + stderr).not.toMatch(/^\s+at /m)
  return { code, stdout, stderr }
}

export const runProgram = (...given: Parameters<typeof startProgram>) =>
  endOf(startProgram(...given))
