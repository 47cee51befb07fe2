/** The commands of `scripts/`, `bench/`, `local/` and `tools/`, as programs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { signingKeys } from '../../src/env/secrets.ts'
import { runProgram } from '../setup/program.ts'

const ROOT = join(import.meta.dirname, '../..')

const wrong = (message: RegExp) => ({ code: 2, stdout: '', stderr: expect.stringMatching(message) })

const COMMANDS = Object.entries(packageJson.scripts).flatMap(([name, command]) => {
  const file = /^node ((?:scripts|bench|local|tools)\/\S+)/.exec(command)?.[1]
  return file === undefined ? [] : [{ name: `npm run ${name}`, file }]
})

test('the programs of scripts/, bench/, local/ and tools/ have commands', () => {
  expect(COMMANDS.length).toBeGreaterThan(15)
})

test.each(COMMANDS)('$name -- --help exits with 0 and shows its options', async ({ file }) => {
  const { code, stdout, stderr } = await runProgram(file, ['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    /^\S.*\n(?:.+\n)*\nUsage: npm run [\w:-]+( -- .+)?\n\n( {2}--.+\n)* {2}-h, --help/,
  )
})

test.each(['scripts/keys.ts', 'bench/bench.ts', 'local/dev.ts', 'tools/check-client.ts'])(
  '%s exits with 2 for an option it does not have',
  async (file) => {
    expect(await runProgram(file, ['--nope'])).toEqual(
      wrong(/^Unknown option '--nope'\. See: npm run [\w:-]+ -- --help\n$/),
    )
  },
)

test('all that a command prints reaches a pipe, or ends with who reads it', async () => {
  const source = `import { runCommand } from './scripts/command-line.ts'
    await runCommand({ name: 'x', about: 'x' }, () => console.log('x'.repeat(2 ** 20)))`
  const start = () => spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: ROOT })
  const read = start()
  expect(await text(read.stdout)).toHaveLength(2 ** 20 + 1)

  const unread = start()
  unread.stdout.once('data', () => unread.stdout.destroy())
  const [stderr, exit] = await Promise.all([text(unread.stderr), once(unread, 'exit')])
  expect({ stderr, exit }).toEqual({ stderr: '', exit: [0, null] })
})

test.each([
  ['scripts/keys.ts', ['more'], /^Unexpected argument 'more'\. See: npm run keys/],
  [
    'scripts/explain.ts',
    ['--accounts', '0'],
    /^--accounts takes a whole number, 1 or more; not '0'/,
  ],
  ['scripts/explain.ts', ['nothing'], /^No statement has "nothing" in its name\. .*sessions/],
  ['scripts/mutation.ts', ['tokens', 'emails'], /takes one of tokens, .*; not 'emails'/],
  ['bench/bench.ts', ['--only', 'floor', '--only', 'roof'], /^--only takes one of floor, .*'roof'/],
  [
    'local/dev.ts',
    ['--frontend-url', 'localhost:5173'],
    /^--frontend-url takes an address such as/,
  ],
  ['local/dev.ts', ['--frontend-url', 'http:'], /^--frontend-url takes an address such as/],
  ['local/dev.ts', ['start'], /^Unexpected argument 'start'/],
  ['bench/soak.ts', ['--seconds', '1e3'], /^--seconds takes a whole number/],
  ['scripts/doctor.ts', [], /^There is nothing to check: .*\n.*npm run doctor -- --file <file>\n$/],
  [
    'scripts/smoke.ts',
    ['--url', 'http://accounts.example.com', '--write'],
    /^--write sends passwords: pass the https address/,
  ],
  ['scripts/smoke.ts', [], /^Which service\? Pass --url /],
  [
    'scripts/smoke.ts',
    ['--url', 'https://me:canary@accounts.example.com'],
    /^--url takes an origin, without path, query and credentials\n$/,
  ],
  [
    'scripts/smoke.ts',
    ['--url', 'http://localhost:1', '--write'],
    /^--write reads an email: set RESEND_API_KEY\. See: npm run smoke -- --help\n$/,
  ],
  ['scripts/standalone.ts', [], /^(There is no dist|The variables are not valid:\n)/],
  [
    'scripts/restore-drill.ts',
    ['--from', 'nowhere'],
    /^There is no backup in nowhere\. Make one: npm run backup\n$/,
  ],
  ['scripts/adopt.ts', [], /^--to \(DATABASE_URL\) is not set\. Run: OLD_DATABASE_URL=/],
  [
    'scripts/adopt.ts',
    ['--to', 'postgresql://me:canary@host'],
    /^--to \(DATABASE_URL\) names no database after the host\. (?!.*canary)/,
  ],
  [
    'scripts/adopt.ts',
    ['--decisions', 'adopt-report.csv'],
    /^--report would overwrite your decisions: name another file\./,
  ],
  ['scripts/adopt.ts', ['--decisions', '/nowhere'], /^Can't read \/nowhere\.$/m],
  ['scripts/admin.ts', [], /^Which command\? See: npm run admin -- --help\n$/],
])('node %s %j exits with 2 and says what it takes', async (file, args, message) => {
  expect(await runProgram(file, args)).toEqual(wrong(message))
})

test.each(['scripts/migrate.ts', 'scripts/admin.ts', 'scripts/backup.ts'])(
  'node %s exits with 2 for a DATABASE_URL that is none, without its value',
  async (file) => {
    const urls = [
      ['', /^DATABASE_URL is not set\. Run: DATABASE_URL='postgresql:/],
      ['canary', /^DATABASE_URL is not a URL that starts with postgresql:\/\/\./],
      ['https://me:canary@host/name', /is not a URL that starts with postgresql:/],
      ["psql 'postgresql://me:canary@host/name'", /is not a URL that starts with postgresql:/],
      ['postgresql://me:can#canary@host/name', /is not a valid URL\. .*%23 for #/],
      ['postgresql://me:canary@host', /names no database after the host/],
    ] as const
    for (const [url, message] of urls) {
      const result = await runProgram(file, file.includes('admin') ? ['list'] : [], {
        DATABASE_URL: url,
      })
      expect(result).toEqual(wrong(message))
      expect(result.stderr).not.toContain('canary')
    }
  },
)

describe('npm run keys -- --add', () => {
  const keys = (...args: string[]) => runProgram('scripts/keys.ts', args)
  const newSet = async () => /^JWT_SIGNING_KEYS=(.*)$/m.exec((await keys()).stdout)?.[1] ?? ''

  const changed = (set: string, change: (key: Record<string, string>) => object[]) =>
    JSON.stringify({ keys: JSON.parse(set).keys.flatMap(change) })

  test('prints the set with one more key at its end, and what to do with it', async () => {
    const set = await newSet()
    const { code, stdout, stderr } = await keys('--add', set)
    const [first, second, ...more] = signingKeys.parse(stdout)
    expect({ code, more }).toEqual({ code: 0, more: [] })
    expect(first).toEqual(JSON.parse(set).keys[0])
    expect(second?.kid).not.toBe(first?.kid)
    expect(stderr).toMatch(/1\. Deploy this set\./)
  })

  test.each<[what: string, message: RegExp, value: (set: string) => string | Promise<string>]>([
    ['an empty value', /^The value of --add is empty\.\nPass the set that is deployed/, () => ''],
    ['a line break', /^The value of --add is empty\./, () => '\n'],
    ['what is not JSON', /must be a JWK Set as JSON\.\n/, () => 'canary'],
    ['what is not a set', /is not a private JWK Set/, () => '"canary"'],
    ['a set without keys', /is not a private JWK Set .*\(at keys\)/, () => '{"keys":[]}'],
    [
      'the published set',
      /has a key without its private part "d": it may be the published set/,
      (set) => changed(set, ({ d: _, ...key }) => [key]),
    ],
    [
      'two keys with one kid',
      /two keys with the same kid\.\n/,
      (set) => changed(set, (key) => [key, key]),
    ],
    [
      'as many keys as the Worker accepts',
      /^The set has 4 keys already, .* Remove the oldest first\.\n$/,
      async (set) => {
        let full = set
        for (let count = 1; count < 4; count++) full = (await keys('--add', full)).stdout
        return full
      },
    ],
  ])('exits with 2 for %s, and prints no key', async (_, message, value) => {
    const set = await newSet()
    const result = await keys('--add', await value(set))
    expect(result).toEqual(wrong(message))
    expect(result.stderr).not.toMatch(/canary|run "npm run keys"/)
  })

  test('exits with 2 without a value', async () => {
    expect(await keys('--add')).toEqual(wrong(/^Option '--add <value>' argument missing\. See: /))
  })
})

test('npm run sbom says where it wrote, and names the project', async () => {
  const { code, stdout } = await runProgram('scripts/sbom.ts', [])
  const { name, version } = packageJson
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(`SBOM of ${name} ${version} written to dist/sbom.json`),
  })
  const sbom = JSON.parse(await readFile(join(ROOT, 'dist/sbom.json'), 'utf8'))
  expect(sbom.metadata.component).toMatchObject({
    name,
    version,
    purl: `pkg:npm/${name}@${version}`,
  })
})
