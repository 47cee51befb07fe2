/**
 * `node scripts/common-passwords.ts`: writes `assets/common-passwords.txt`, the most common passwords of
 * the zxcvbn frequency list that have the minimum length.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dictionary } from '@zxcvbn-ts/language-common'
import { runCommand } from './command-line.ts'

const FILE = 'assets/common-passwords.txt'

/** NIST 800-63B-4: as many as a rate-limited attacker can try, which is thousands, not millions. */
const COUNT = 5000
const MIN_LENGTH = 8

const passwords = [
  ...new Set(
    dictionary['passwords-common'].map((entry) => String(entry).normalize('NFKC').toLowerCase()),
  ),
]
  .filter((password) => password.length >= MIN_LENGTH && !/\s/.test(password))
  .slice(0, COUNT)
  .sort()

await runCommand(
  {
    name: 'npm run common-passwords',
    about: `Writes ${FILE}: the ${COUNT} most common passwords of ${MIN_LENGTH} characters or more.`,
  },
  async () => {
    await writeFile(join(import.meta.dirname, '..', FILE), `${passwords.join('\n')}\n`)
    console.log(`${passwords.length} passwords written to ${FILE}`)
  },
)
