import type { Reporter, TestModule } from 'vitest/node'

/** Ends the output with one plain line for CI: `N passed, N failed`. */
export default class LastLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]) {
    let passed = 0
    let skipped = 0
    // A file that failed to load and an error outside of tests count as failures too.
    let failed = errors.length + modules.filter((module) => module.errors().length > 0).length
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
    }
    const line = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
    // Coverage is printed after this: wait for the end of the process.
    process.once('exit', () => process.stdout.write(`${line}\n`))
  }
}
