// `npm run emails`: renders all emails with sample values to dist/emails, and a page that shows them.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { html } from 'hono/html'
import { emailChangedEmail } from '../emails/email-changed.ts'
import type { Brand, Email } from '../emails/layout.ts'
import { passwordChangedEmail } from '../emails/password-changed.ts'
import { passwordResetEmail } from '../emails/password-reset.ts'
import { testEmail } from '../emails/test.ts'
import { welcomeEmail } from '../emails/welcome.ts'
import { BrandVariables, brandOf } from '../src/env/brand.ts'
import { CommandError, runCommand } from './command-line.ts'
import { withoutEmpty } from './variables.ts'

const OUT_DIR = 'dist/emails'
const VIEWS = [
  { width: 360, scheme: 'light' },
  { width: 360, scheme: 'dark' },
  { width: 680, scheme: 'light' },
  { width: 680, scheme: 'dark' },
]

/** @throws {CommandError} that names the variables of the brand that are wrong */
function readBrand(): Brand {
  const { data, error } = BrandVariables.safeParse(withoutEmpty(process.env))
  if (data) return brandOf(data)
  const problems = error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`)
  throw new CommandError(problems.join('\n'), 2)
}

const name = 'Maria Fernández'
const at = new Date('2026-11-22T16:35:00Z')
const token = `${'8Qk2vJ5n'.repeat(3)}.${'Zr7_Lw0-'.repeat(5)}`

const samplesOf = (brand: Brand): Record<string, Email> => ({
  'password-reset': passwordResetEmail({
    brand,
    name,
    link: `https://app.example.com/reset-password?token=${token}`,
    minutes: 60,
  }),
  welcome: welcomeEmail({ brand, name, username: 'maria', link: 'https://app.example.com' }),
  'password-changed': passwordChangedEmail({ brand, name, at, place: 'Firefox on Linux, Spain' }),
  'email-changed': emailChangedEmail({
    brand,
    name,
    oldEmail: 'maria@example.com',
    newEmail: 'maria.fernandez.garcia@long-company-name.example.org',
    at,
  }),
  test: testEmail({ brand, at }),
  hostile: passwordChangedEmail({
    brand: { ...brand, name: 'ADL "Production" & <Söhne>' },
    name: `Mallory\r\nBcc: everyone@example.com <img src=x onerror=alert(1)> ${'very long name '.repeat(20)}`,
    at,
    place: '</td></table><script>alert(1)</script>\u202e\r\n-- \r\nPay here: http://evil.example',
  }),
})

/** Emails follow the system's color scheme. This sets a fixed one for a frame of the page. */
function withColorScheme(mail: string, scheme: string): string {
  const media = '@media (prefers-color-scheme:dark)'
  return mail.replace(media, scheme === 'dark' ? '@media all' : '@media not all')
}

function section([file, email]: [string, Email]) {
  const frames = VIEWS.map(
    ({ width, scheme }) => html`<figure>
<iframe title="${file}, ${scheme}, ${width} px" width="${width}" height="720" sandbox="" srcdoc="${withColorScheme(email.html, scheme)}"></iframe>
<figcaption>${width} px, ${scheme}</figcaption></figure>`,
  )
  return html`<section><h2 id="${file}">${email.subject}</h2>
<p><a href="${file}.html">${file}.html</a>, ${Math.ceil(email.html.length / 1024)} KB; <a href="${file}.txt">${file}.txt</a></p>
<div>${frames}<pre>${email.text}</pre></div></section>`
}

/** @returns what to print */
async function renderAll(outDir: string, brand: Brand): Promise<string> {
  const samples = Object.entries(samplesOf(brand))
  await rm(outDir, { recursive: true, force: true })
  await mkdir(outDir, { recursive: true })
  for (const [file, email] of samples) {
    await writeFile(`${outDir}/${file}.html`, email.html)
    await writeFile(`${outDir}/${file}.txt`, `Subject: ${email.subject}\n\n${email.text}`)
  }
  const page = await html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Emails of ${brand.name}</title>
<style>
:root { color-scheme: light dark; font: 16px system-ui, sans-serif; }
section > div { display: flex; gap: 16px; overflow-x: auto; align-items: start; }
figure { margin: 0; } iframe { border: 1px solid #8888; border-radius: 8px; }
figcaption { font-size: 14px; opacity: .8; }
pre { flex: 0 0 520px; margin: 0; padding: 16px; border: 1px solid #8888; border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
</style></head><body>
<h1>Emails</h1>
${samples.map(section)}
</body></html>`
  const index = resolve(outDir, 'index.html')
  await writeFile(index, page.toString())
  return `${samples.length} emails rendered. Open ${pathToFileURL(index).href}`
}

await runCommand(
  {
    name: 'npm run emails',
    about: `Renders all emails with sample values to ${OUT_DIR}, and a page that shows them.`,
    details:
      'PROJECT_NAME, BRAND_COLOR and LOGO_URL are variables of the shell: BRAND_COLOR=#0f766e npm run emails',
  },
  async () => console.log(await renderAll(OUT_DIR, readBrand())),
)
