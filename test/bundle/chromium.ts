import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { describe, expect, test } from 'vitest'

const CHROMIUM = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((file) => file && existsSync(file))

/** Tests in a real browser, where there is one. */
export function describeInChromium(what: string, tests: (launch: () => Promise<Browser>) => void) {
  const executablePath = CHROMIUM
  if (!executablePath) {
    test(`${what}: not tested without Chromium (install it, or set CHROMIUM_PATH)`, () => {
      expect(executablePath).toBeUndefined()
    })
    return
  }
  // The sandbox of Chromium does not start as root, the usual user in CI.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  describe(`${what} in ${executablePath}`, () => {
    tests(() => chromium.launch({ executablePath, args }))
  })
}
