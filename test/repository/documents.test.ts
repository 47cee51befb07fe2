/** What the documents tell people to type is there: wrangler's commands and flags, npm scripts, settings. */
import { existsSync, globSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  experimental_getWranglerCommands as getWranglerCommands,
  unstable_readConfig as readConfig,
} from 'wrangler'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

const documentsOf = (...patterns: string[]) =>
  Promise.all(
    globSync(patterns, { cwd: ROOT, exclude: (path) => path.includes('node_modules') }).map(
      async (name) => ({ name, text: await readFile(join(ROOT, name), 'utf8') }),
    ),
  )

const documents = await documentsOf('README.md', 'CONTRIBUTING.md', 'docs/*.md')

const { registry, globalFlags } = getWranglerCommands()
type Tree = typeof registry
type Flag = {
  alias?: string | readonly string[]
  type?: string
  array?: boolean
  demandOption?: boolean
}

/** `npx wrangler …` in blocks and in the text, up to what ends a command. */
const commands = documents.flatMap(({ name, text }) =>
  [...text.matchAll(/npx wrangler ([^`\n|#)]+)/g)].map(([, command = '']) => ({
    name,
    command: command.trim(),
  })),
)

function definitionOf(words: string[]) {
  let tree: Tree['subtree'] = registry.subtree
  for (const [depth, word] of words.entries()) {
    const node = tree.get(word)
    if (!node) return { definition: undefined, rest: words }
    if (node.definition?.type === 'command') {
      return { definition: node.definition, rest: words.slice(depth + 1) }
    }
    tree = node.subtree
  }
  return { definition: undefined, rest: words }
}

test('the documents have commands of wrangler', () => {
  expect(commands.length).toBeGreaterThan(20)
})

test.each(commands)('$name: wrangler has $command', ({ command }) => {
  const words = command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  const { definition, rest } = definitionOf(words)
  expect(definition, `no command: ${command}`).toBeDefined()
  const flags: Record<string, Flag> = { ...definition?.args, ...globalFlags }
  const names = Object.entries(flags).flatMap(([flag, { alias = [] }]) => [flag, ...[alias].flat()])
  const positionals: string[] = []
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? ''
    if (!word.startsWith('-')) positionals.push(word)
    else {
      const flag = word.replace(/^--?/, '')
      expect(names).toContain(flag)
      if (flags[flag]?.type !== 'boolean') i++
    }
  }
  const taken = definition?.positionalArgs ?? []
  const isList = taken.some((name) => flags[name]?.array)
  expect(positionals.length).toBeLessThanOrEqual(isList ? Infinity : taken.length)
  const needed = taken.filter((name) => flags[name]?.demandOption)
  expect(positionals.length).toBeGreaterThanOrEqual(needed.length)
})

test.each(documents)('$name names npm scripts that there are', ({ text }) => {
  const named = [...text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g)].map(
    ([, name]) => name,
  )
  const missing = named.filter((name = '') => !(name in packageJson.scripts))
  expect(missing).toEqual([])
})

test('the settings of docs/deployment.md are such as wrangler reads', async () => {
  const text = documents.find(({ name }) => name === 'docs/deployment.md')?.text ?? ''
  const blocks = [...text.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, block = '']) => block)
  expect(blocks.length).toBeGreaterThan(1)
  const folder = await mkdtemp(join(tmpdir(), 'edge-accounts-toml-'))
  const file = join(folder, 'wrangler.toml')
  const main = `main = "${join(ROOT, 'functions/worker.ts')}"`
  for (const block of blocks) {
    await writeFile(file, `name = "x"\n${main}\ncompatibility_date = "2026-11-01"\n${block}`)
    const env = block.includes('[env.production]') ? 'production' : ''
    expect(readConfig({ config: file, env })).toMatchObject(
      env ? { routes: [{ pattern: 'accounts.example.com', custom_domain: true }] } : {},
    )
  }
  await rm(folder, { recursive: true })
})

const withoutCode = (text: string) => text.replace(/```[\s\S]*?```/g, '')

/** As GitHub makes them of headings. */
const anchorsOf = (text: string) =>
  [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

const everyDocument = await documentsOf('*.md', '{docs,client,examples,local}/**/*.md')

test('the links of every document lead to a file and to a heading in it', async () => {
  const broken: string[] = []
  for (const { name, text } of everyDocument) {
    const links = [...withoutCode(text).matchAll(/(?:\]\(|(?:src|href)=")([^)"\s]+)/g)].map(
      ([, to = '']) => to,
    )
    for (const link of links.filter((each) => !/^(?:https?|mailto):/.test(each))) {
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? join(ROOT, name) : join(ROOT, dirname(name), path)
      const found =
        existsSync(file) && (!anchor || anchorsOf(await readFile(file, 'utf8')).includes(anchor))
      if (!found) broken.push(`${name}: ${link}`)
    }
  }
  expect(broken).toEqual([])
  expect(everyDocument.length).toBeGreaterThan(20)
})
