/** Captures the console output of the Worker, the queue's consumer and all libraries. */
import { expect, vi } from 'vitest'

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const

export function listen() {
  const spies = METHODS.map((method) => vi.spyOn(console, method).mockImplementation(() => {}))
  return {
    texts: () =>
      spies.flatMap((spy) => spy.mock.calls.map((values) => values.map(String).join(' '))),
    lines: () => spies[0]?.mock.calls.map(([line]) => JSON.parse(String(line))) ?? [],
  }
}

type Output = ReturnType<typeof listen>

/** Every line is one JSON object with the required fields, and none contains a secret. */
export function expectClean(output: Output, secrets: readonly string[]) {
  for (const text of output.texts()) {
    expect(text).not.toMatch(/[\r\n]/)
    const line = JSON.parse(text)
    expect(line).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: expect.stringMatching(/^(debug|info|warn|error)$/),
      event: expect.stringMatching(/^[a-z_]+$/),
    })
    if (line.event === 'request') {
      expect(line).toEqual({
        ...{ time: line.time, level: 'info', event: 'request' },
        request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        method: expect.stringMatching(/^[A-Z]+$/),
        route: expect.stringMatching(/^[/a-z0-9:.*-]+$/),
        status: expect.any(Number),
        duration_ms: expect.any(Number),
      })
    }
    for (const secret of secrets) expect(text.toLowerCase()).not.toContain(secret.toLowerCase())
  }
}
