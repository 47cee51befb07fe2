// `npm run bench`: the deployed bundle in workerd beside a bare Worker with the same trips.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readCommandLine } from '../scripts/command-line.ts'
import { buildFloor, buildWorker, ROOT } from './build.ts'
import { isMet } from './report/goals.ts'
import { sectionText, writeSection } from './report/write.ts'
import { burst, distance, floor, list, start, wire } from './sections.ts'
import type { Options, Section } from './setting.ts'

const SECTIONS = {
  floor: { title: 'Beside the bare Worker', measure: floor },
  wire: { title: 'On the wire', measure: wire },
  start: { title: 'Start and size', measure: start },
  burst: { title: 'A burst of logins', measure: burst },
  distance: { title: 'By distance', measure: distance },
  list: { title: 'A million users', measure: list },
}

const FULL = { rounds: 3, seconds: 8, users: 1_000_000, sessions: 10_000_000 }
const QUICK = { rounds: 1, seconds: 2, users: 10_000, sessions: 20_000 }

const { values } = readCommandLine({
  name: 'npm run bench',
  about: `The deployed bundle in workerd beside a bare Worker with the same trips, and each goal of
docs/performance.md: met, or not. Takes about half an hour; needs Linux and two cores. Writes report.md,
results.json and the plots to dist/bench.`,
  options: {
    quick: { type: 'boolean', default: false, about: 'two minutes: whether it runs, no figures' },
    compare: { type: 'string', value: '<folder>', about: 'the Worker of another checkout, too' },
    only: {
      ...{ type: 'string', multiple: true, default: Object.keys(SECTIONS), value: '<section>' },
      ...{
        about: `may be repeated: ${Object.keys(SECTIONS).join(', ')}`,
        among: Object.keys(SECTIONS),
      },
    },
    write: {
      type: 'string',
      value: '<file>',
      about: 'puts the tables and plots there: see write.ts',
    },
    users: { type: 'string', value: '<n>', least: 1, about: `${FULL.users}, or ${QUICK.users}` },
    sessions: {
      type: 'string',
      value: '<n>',
      least: 1,
      about: `${FULL.sessions}, or ${QUICK.sessions}`,
    },
    rounds: { type: 'string', value: '<n>', least: 1, about: `${FULL.rounds}, or ${QUICK.rounds}` },
    seconds: {
      type: 'string',
      value: '<n>',
      least: 1,
      about: `${FULL.seconds}, or ${QUICK.seconds}`,
    },
  },
})

const defaults = values.quick ? QUICK : FULL
const number = (name: keyof typeof FULL) => Number(values[name] ?? defaults[name])
const output = join(ROOT, 'dist/bench')
const folder = await mkdtemp(join(tmpdir(), 'bench-'))

try {
  const { compare } = values
  const options: Options = {
    ...{ rounds: number('rounds'), seconds: number('seconds') },
    ...{ users: number('users'), sessions: number('sessions'), compare },
    scripts: {
      ours: await buildWorker(join(folder, 'ours')),
      bare: await buildFloor(join(folder, 'bare'), 'bare'),
      empty: await buildFloor(join(folder, 'empty'), 'empty'),
      ...(compare && { before: await buildWorker(join(folder, 'before'), resolve(compare)) }),
    },
  }
  await mkdir(output, { recursive: true })
  const done: Record<string, Section> = {}
  const reports: string[] = []
  for (const [name, { title, measure }] of Object.entries(SECTIONS)) {
    if (!values.only.includes(name)) continue
    const section = await measure(options)
    done[name] = section
    reports.push(`## ${title}\n\n${sectionText(section)}\n`)
    console.log(reports.at(-1))
    for (const [file, svg] of Object.entries(section.plots ?? {})) {
      await writeFile(join(output, file), svg)
    }
    if (values.write) await writeSection(resolve(values.write), name, section)
  }
  await writeFile(join(output, 'report.md'), reports.join('\n'))
  await writeFile(join(output, 'results.json'), JSON.stringify(done, null, 2))
  const goals = Object.values(done).flatMap((section) => section.goals)
  const missed = goals.filter((goal) => !isMet(goal))
  console.log(
    `${goals.length - missed.length} of ${goals.length} goals are met. See dist/bench/report.md.`,
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}
