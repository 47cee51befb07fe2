/**
 * Writes `src/security/common-passwords.ts` from the frequency list of zxcvbn: the commonest
 * passwords that are long enough to be chosen at all. `node scripts/common-passwords.ts`
 */
import { writeFile } from 'node:fs/promises'
import { dictionary } from '@zxcvbn-ts/language-common'

/** NIST 800-63B-4 asks for a list that a guesser limited by us could get through: thousands, not millions. */
const WORDS = 4000
const MIN_LENGTH = 8
const LINE = 96

const words = [
  ...new Set(
    dictionary['passwords-common'].map((word) => String(word).normalize('NFKC').toLowerCase()),
  ),
]
  .filter(
    (word) => word.length >= MIN_LENGTH && /^[\x21-\x7e]+$/.test(word) && !/[`\\$]/.test(word),
  )
  .slice(0, WORDS)

const lines: string[] = []
let line = ''
for (const word of words) {
  if (line && line.length + word.length + 1 > LINE) {
    lines.push(line)
    line = ''
  }
  line = line ? `${line} ${word}` : word
}
lines.push(line)

await writeFile(
  `${import.meta.dirname}/../src/security/common-passwords.ts`,
  `// Made by scripts/common-passwords.ts. Source: @zxcvbn-ts/language-common (MIT), commonest first.
const WORDS = \`
${lines.join('\n')}
\`

const commonPasswords = new Set(WORDS.trim().split(/\\s+/))

/** Whether a password, in lower case, is one of the few thousand that everybody tries first (ASVS 6.2.4). */
export const isCommonPassword = (password: string) => commonPasswords.has(password)
`,
)
console.log(`${words.length} passwords written`)
