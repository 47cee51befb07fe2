/** What served before a release, on disk: a release that is killed can still be rolled back. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Share } from './wrangler.ts'

const fileOf = (environment: string) =>
  join(import.meta.dirname, `../../dist/release-${environment}.json`)

export function writeRecord(environment: string, shares: Share[]): void {
  mkdirSync(dirname(fileOf(environment)), { recursive: true })
  writeFileSync(fileOf(environment), JSON.stringify(shares))
}

/** Undefined if no release is open. */
export function readRecord(environment: string): Share[] | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(environment), 'utf8'))
  } catch {
    return undefined
  }
}

export const dropRecord = (environment: string) => rmSync(fileOf(environment), { force: true })
