import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { clearEnvironment, dropBrokenConnectionNotes } from './test/setup/own-environment.ts'
import { workerdProject } from './test/setup/workerd-project.ts'
import type { Fuzzing } from './test/setup/world.ts'

clearEnvironment()
dropBrokenConnectionNotes()

/** Seconds of `test/fuzz` in an ordinary run; `npm run fuzz` sets more. */
const FUZZ_SECONDS = 6

const { FUZZ_SECONDS: fuzzSeconds, FUZZ_SEED: fuzzSeed } = process.env
const fuzz: Fuzzing = {
  seconds: Number(fuzzSeconds || FUZZ_SECONDS),
  seed: fuzzSeed ? Number(fuzzSeed) : null,
}

/**
 * Fifty callers at once, every fault of every dependency, what time and logs give away, thousands of
 * made-up cases, the pages in a browser: `npm run test:long`.
 */
const LONG = [
  'test/security/{races,faults,enumeration,logs}*.test.ts',
  'test/fuzz/*.test.ts',
  'test/metrics/outages.test.ts',
]

/** Compares response times under load: nothing else may run. */
const LONG_ALONE = ['test/bundle/burst.test.ts']

/** A browser, a run of the tests within the tests, and `npm run dev` with its restarts. */
const LONG_IN_NODE = [
  'test/bundle/!(bundle|burst).test.ts',
  'test/repository/{adopt,adopt-again,adopt-in-place,adopt-messages}.test.ts',
  'test/repository/{commands,environment,preview,readme,release}.test.ts',
  'test/local/{connect-a-frontend,dev-start,example,mailbox-browser,monitoring}.test.ts',
]

/** Bundles and servers first: they take longest, and mostly wait. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const sorted = await super.sort(files)
    const inNode = ({ project }: TestSpecification) => Number(project.name === 'node')
    return sorted.toSorted((a, b) => inNode(b) - inNode(a))
  }
}

/** Tests run against a real PostgreSQL and Redis: see test/setup/local-world.ts. */
export default defineConfig({
  test: {
    silent: 'passed-only',
    globalSetup: ['test/setup/local-world.ts'],
    provide: { fuzz },
    // More than cores: much of a test is waiting, for a mail, a timeout, a lock.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/setup/last-line.ts'],
    // The default of a second is less than a retry's delay on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    coverage: {
      provider: 'istanbul',
      include: ['src/**', 'functions/**', 'emails/**'],
      thresholds: { statements: 90, branches: 90, functions: 90, lines: 90 },
      reporter: ['text-summary', 'html', 'json-summary'],
    },
    projects: [
      workerdProject('workerd', {
        include: ['test/**/*.test.ts'],
        exclude: ['test/{local,bundle,repository}/**', ...LONG],
      }),
      workerdProject('long', { include: LONG, exclude: [] }),
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/{local,bundle,repository}/**/*.test.ts', 'client/test/*.test.ts'],
          exclude: [...LONG_IN_NODE, ...LONG_ALONE],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long-node',
          include: LONG_IN_NODE,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long-alone',
          include: LONG_ALONE,
          // After all other projects.
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
