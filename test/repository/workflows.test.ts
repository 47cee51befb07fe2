/** What actionlint does not ask of .github/workflows. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { Variables } from '../../src/env.ts'

const FOLDER = join(import.meta.dirname, '../../.github/workflows')

const workflows = await Promise.all(
  (await readdir(FOLDER)).map(async (name) => ({
    name,
    text: await readFile(join(FOLDER, name), 'utf8'),
  })),
)

/** The steps and other entries, each with its own lines. */
const entries = (text: string) => text.split(/^ *- /m).slice(1)

test.each(workflows)(
  '$name runs actions by their commit alone, and names the version',
  ({ text }) => {
    const used = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, action]) => action)
    expect(used.length).toBeGreaterThan(0)
    for (const action of used) {
      expect(action).toMatch(
        /^(\.\/\.github\/workflows\/ci\.yml|[\w-]+\/[\w-]+@[0-9a-f]{40} # v[\d.]+)$/,
      )
    }
  },
)

test.each(workflows)(
  '$name may read the code alone, and keeps no token in the checkout',
  ({ text }) => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n/m)
    expect(text.match(/permissions:/g)).toHaveLength(1)
    for (const step of entries(text).filter((entry) =>
      entry.startsWith('uses: actions/checkout@'),
    )) {
      expect(step).toContain('persist-credentials: false')
    }
  },
)

test.each(workflows)(
  '$name gives secrets to single steps, and nothing that others wrote to a shell',
  ({ text }) => {
    expect(text).not.toMatch(/^on:[\s\S]*^ {2}(pull_request_target|workflow_run|issue_comment):/m)
    expect(text).not.toMatch(/toJSON\(secrets\)|secrets: inherit/)
    for (const [run] of text.matchAll(/run: .*/g)) expect(run).not.toContain('${{')
    for (const entry of entries(text).filter((each) => each.includes('secrets.'))) {
      expect(entry).toMatch(/^(if: .*\n\s+)?run: npm run (doctor|release|preview) -- /)
    }
  },
)

test.each(workflows)('$name runs commands that there are', ({ text }) => {
  const commands = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, command]) => command)
  expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(commands))
})

test('preview.yml runs nothing for a fork', async () => {
  const text = await readFile(join(FOLDER, 'preview.yml'), 'utf8')
  const [, ...jobs] = text.split(/^ {2}(?=\w+:$)/m).filter((part) => part.includes('runs-on'))
  expect(jobs.length + 1).toBe(text.match(/runs-on:/g)?.length)
  for (const condition of text.matchAll(/^ {4}if: >-\n((?: {6}.+\n)+)/gm)) {
    expect(condition[1]).toContain('head.repo.full_name == github.repository')
  }
  expect([...text.matchAll(/^ {4}if: >-/gm)]).toHaveLength(2)
})

test('deploy.yml gives the doctor every secret that the Worker knows', async () => {
  const text = await readFile(join(FOLDER, 'deploy.yml'), 'utf8')
  const doctor = entries(text).find((entry) => entry.startsWith('run: npm run doctor'))
  const given = [...(doctor ?? '').matchAll(/secrets\.(\w+)/g)].map(([, name]) => name)
  const secrets = Object.keys(Variables.shape).filter((name) =>
    /^(DATABASE_URL|JWT_SIGNING_KEYS|LEGACY_UNTIL|(\w+_)?(SECRET_KEY(_PREVIOUS)?|API_KEY|TOKEN))$/.test(
      name,
    ),
  )
  // Needed once, and removed: "First admin" in docs/deployment.md.
  const lasting = secrets.filter((name) => name !== 'ADMIN_BOOTSTRAP_TOKEN')
  expect(given).toEqual(expect.arrayContaining(lasting))
})
