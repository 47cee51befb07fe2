import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

/** The browser of this machine, if it has one. */
export const CHROMIUM = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((file) => file && existsSync(file))

export function launchChromium(executablePath: string) {
  // The sandbox of Chromium does not start as root, the usual user in CI.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}
