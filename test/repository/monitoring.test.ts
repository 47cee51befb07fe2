/** The files of monitoring/ and docs/monitoring.md, without running anything: test/local/monitoring.test.ts does. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { unstable_readConfig as readConfig } from 'wrangler'
import { dashboardFiles } from '../../scripts/dashboards.ts'
import { METRICS } from '../../src/metrics/definitions.ts'

const ROOT = join(import.meta.dirname, '../..')
const MONITORING = join(ROOT, 'monitoring')

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

const all = (folder: string) =>
  readdirSync(join(MONITORING, folder))
    .map((file) => read(`monitoring/${folder}/${file}`))
    .join('\n')

const rules = all('rules')
const unitTests = all('tests')
const document = read('docs/monitoring.md')

/** Each alert, with the lines of its rule. */
const ALERTS = rules
  .split(/^ {6}- (?=alert: )/m)
  .slice(1)
  .map((rule) => ({ name: /^alert: (\w+)/.exec(rule)?.[1] ?? '', rule }))

/** GitHub's anchors of the headings of a document. */
const anchorsOf = (markdown: string) =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

test('monitoring/grafana is what `npm run dashboards` writes', () => {
  const files = readdirSync(join(MONITORING, 'grafana'))
  const present = files.map((file) => [file, read(`monitoring/grafana/${file}`)])
  expect(Object.fromEntries(present)).toEqual(dashboardFiles())
})

test('there are more than twenty alerts', () => {
  expect(ALERTS.length).toBeGreaterThan(20)
})

test.each(ALERTS)('$name has a severity, texts, and a runbook that exists', ({ rule }) => {
  expect(rule).toMatch(/severity: (critical|warning|info) /)
  expect(rule).toMatch(/^ {10}summary: .+$/m)
  expect(rule).toMatch(/^ {10}description: .+$/m)
  const [, file = '', anchor] = /runbook: (\S+\.md)(?:#(\S+))?$/m.exec(rule) ?? []
  expect(existsSync(join(ROOT, file)), file).toBe(true)
  if (anchor) expect(anchorsOf(read(file))).toContain(anchor)
})

test.each(ALERTS)('$name has a unit test that it fires, and one that it does not', ({ name }) => {
  const expected = [
    ...unitTests.matchAll(
      new RegExp(`alertname="${name}", alertstate="firing".*\\n.*\\n +exp_samples: (.*)`, 'g'),
    ),
  ].map(([, samples]) => samples !== '[]')
  expect(new Set(expected)).toEqual(new Set([true, false]))
})

test.each(ALERTS)(
  'docs/monitoring.md lists $name with its severity and `for`',
  ({ name, rule }) => {
    const [, severity] = /severity: (\w+)/.exec(rule) ?? []
    const [, wait = ''] = / for: (.*)/.exec(rule) ?? []
    const [, ...cells] =
      new RegExp(`^\\| \`${name}\` +\\|(.*)\\|(.*)\\|(.*)\\|$`, 'm').exec(document) ?? []
    const [listed, , pending] = cells.map((cell) => cell.trim())
    expect({ severity: listed, wait: pending }).toEqual({
      severity,
      wait: wait.replace(/(\d)([mh])/, (_, n, unit) => `${n} ${unit === 'm' ? 'min' : 'h'}`),
    })
  },
)

test('docs/monitoring.md lists every metric with its labels', () => {
  for (const [name, { labels }] of Object.entries(METRICS)) {
    expect(document).toMatch(
      new RegExp(`^\\| \`${name}\` +\\|[^|]*\\| ${labels.join(', ')} *\\|`, 'm'),
    )
  }
})

test('docs/monitoring.md lists no other metric, but those that rules/recording.yml records under a plain name', () => {
  const [, table = ''] = /^## Metrics\n([\s\S]*?)^## /m.exec(document) ?? []
  const listed = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
  const recorded = [...rules.matchAll(/record: (\w+)$/gm)].map(([, name]) => name)
  expect(listed.toSorted()).toEqual([...Object.keys(METRICS), ...recorded].toSorted())
})

test('an alert silences only those of its own service', () => {
  const example = read('monitoring/alertmanager.example.yml')
  const [, rules = ''] = /^inhibit_rules:\n((?: .*\n)+)/m.exec(example) ?? []
  const each = rules.split('source_matchers:').slice(1)
  expect(each.length).toBeGreaterThan(2)
  for (const rule of each) expect(rule).toMatch(/^ {4}equal: \[instance\]$/m)
})

test('rules and dashboards read only metrics that there are', () => {
  const recorded = [...rules.matchAll(/record: (\S+)/g)].map(([, name]) => name)
  const known = new Set([...Object.keys(METRICS), ...recorded])
  const used = `${rules}${all('grafana')}`.matchAll(
    /\b((?:instance:)?(?:http|accounts|adl|active|registered)_\w+(?::\w+)?)(?=\{|\[| [>=/]|\))/g,
  )
  const names = new Set([...used].map(([, name = '']) => name.replace(/_(bucket|sum|count)$/, '')))
  expect(names.size).toBeGreaterThan(15)
  expect([...names].filter((name) => !known.has(name))).toEqual([])
})

test('rules, their unit tests and dashboards name only events that the service logs', () => {
  const src = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`src/${file}`))
    .join('\n')
  const used = `${rules}${unitTests}${all('grafana')}`.matchAll(/\bevent=~?\\?"([^"\\]+)/g)
  const patterns = new Set([...used].flatMap(([, pattern = '']) => pattern.split('|')))
  expect(patterns.size).toBeGreaterThan(10)
  expect([...patterns].filter((pattern) => !new RegExp(`'${pattern}'`).test(src))).toEqual([])
})

test('the destinations of docs/monitoring.md are a valid wrangler.toml, and keep URLs out of the logs', () => {
  const snippet = /^```toml\n(\[observability\.logs\]\n[^`]+)```/m.exec(document)?.[1] ?? ''
  const present = read('wrangler.toml')
  const replaced = present.replace(/^\[observability\.logs\]\n(?:.+\n)+/m, `${snippet}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const config = join(folder, 'wrangler.toml')
  writeFileSync(config, replaced)
  const { observability } = readConfig({ config, env: 'production' })
  const schema = JSON.parse(read('node_modules/wrangler/config-schema.json'))
  const { properties } = schema.definitions.Observability
  for (const block of ['logs', 'traces'] as const) {
    const known = Object.keys(properties[block].properties)
    expect(known).toEqual(expect.arrayContaining(Object.keys(observability?.[block] ?? {})))
  }
  expect(observability).toEqual({
    enabled: true,
    redact_query_string: true,
    logs: { enabled: true, invocation_logs: false, destinations: ['accounts-logs'] },
    traces: { enabled: true, head_sampling_rate: 0.05, destinations: ['accounts-traces'] },
  })
})

test('`npm run check:monitoring` is what docs/monitoring.md says', () => {
  const [, commands = ''] = /^```sh\n(cd monitoring\n[^`]+)```/m.exec(document) ?? []
  const { scripts } = JSON.parse(read('package.json'))
  expect(commands.trim().replaceAll('\n', ' && ')).toBe(scripts['check:monitoring'])
})
