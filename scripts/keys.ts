// `npm run keys`: generates the secrets of an environment, or a signing key for a rotation.
import { signingKeys } from '../src/env/secrets.ts'
import { CommandError, runCommand } from './command-line.ts'
import { generateSecretKey, generateSigningKey, generateSigningKeys } from './keys/generate.ts'

/**
 * The set with a new key at the end: it is published but does not sign yet.
 *
 * @throws {CommandError} if the Worker would reject the set before or after, without naming a key
 */
async function addSigningKey(set: string): Promise<string> {
  const hint = 'Pass the set that is deployed: npm run keys -- --add "$JWT_SIGNING_KEYS"'
  const before = signingKeys.safeParse(set, { reportInput: false })
  if (!before.success) {
    const what = set.trim() === '' ? 'is empty' : describe(before.error.issues)
    throw new CommandError(`The value of --add ${what}.\n${hint}`, 2)
  }
  const after = JSON.stringify({ keys: [...before.data, await generateSigningKey(new Date())] })
  if (!signingKeys.safeParse(after).success) {
    const count = before.data.length
    throw new CommandError(
      `The set has ${count} keys already, and the Worker accepts no more. Remove the oldest first.`,
      2,
    )
  }
  return after
}

type Issue = { code: string; path: PropertyKey[]; message: string }

/** In words that follow "The value". */
function describe(issues: readonly Issue[]): string {
  const [issue] = issues
  // Without the advice to generate keys: deployed, other ones sign everybody out.
  if (issue?.code === 'custom') return issue.message.replace(/: run .*/, '')
  return issue?.path.includes('d')
    ? 'has a key without its private part "d": it may be the published set of /.well-known/jwks.json'
    : `is not a private JWK Set with 1 to 4 Ed25519 keys (at ${issue?.path.join('.') || 'the top'})`
}

const NEXT_STEPS = `
The new key is last: it verifies and is published, but the first key signs.
1. Deploy this set. Wait 5 minutes, until caches of /.well-known/jwks.json have expired.
2. Move the new key to the front and deploy. It now signs.
3. After 15 minutes all tokens of the old key have expired. Remove the old key and deploy.`

await runCommand(
  {
    name: 'npm run keys',
    about:
      'Prints a new SECRET_KEY, JWT_SIGNING_KEYS, ADMIN_BOOTSTRAP_TOKEN and METRICS_TOKEN for a new environment.\nIn one that has users, deploying them signs everybody out: rotate the keys instead (--add).',
    options: {
      add: {
        type: 'string',
        value: '"$JWT_SIGNING_KEYS"',
        about: 'prints this set with one more key, for a rotation',
      },
    },
  },
  async ({ values: { add } }) => {
    if (add !== undefined) {
      console.log(await addSigningKey(add))
      console.error(NEXT_STEPS)
      return
    }
    console.log(`SECRET_KEY=${generateSecretKey()}`)
    console.log(`JWT_SIGNING_KEYS=${await generateSigningKeys()}`)
    console.log(`ADMIN_BOOTSTRAP_TOKEN=${generateSecretKey()}`)
    console.log(`METRICS_TOKEN=${generateSecretKey()}`)
  },
)
