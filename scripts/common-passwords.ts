/**
 * Writes `assets/common-passwords.txt` from the frequency list of zxcvbn: the commonest passwords
 * that are long enough to be chosen at all. `node scripts/common-passwords.ts`
 */
import { writeFile } from 'node:fs/promises'
import { dictionary } from '@zxcvbn-ts/language-common'

/** NIST 800-63B-4 asks for what a guesser limited by us could get through: thousands, not millions. */
const WORDS = 5000
const MIN_LENGTH = 8

const words = [
  ...new Set(
    dictionary['passwords-common'].map((word) => String(word).normalize('NFKC').toLowerCase()),
  ),
]
  .filter((word) => word.length >= MIN_LENGTH && !/\s/.test(word))
  .slice(0, WORDS)
  .sort()

await writeFile(`${import.meta.dirname}/../assets/common-passwords.txt`, `${words.join('\n')}\n`)
console.log(`${words.length} passwords written`)
