/** How far a step is: a bar where somebody looks on, else a line now and then. */

export type Progress = {
  /** @param total 0 if nobody knows */
  begin(step: string, total: number): void
  advance(count: number): void
  end(): void
}

const REDRAW_MS = 100
const LINE_MS = 10_000
const BAR_WIDTH = 30

const number = new Intl.NumberFormat('en-US')

export function showProgress(output: NodeJS.WriteStream): Progress {
  let step = ''
  let total = 0
  let done = 0
  let startedAt = 0
  let shownAt = 0

  const status = () => {
    const seconds = (performance.now() - startedAt) / 1000
    const rate = seconds > 0.5 ? `, ${number.format(Math.round(done / seconds))} a second` : ''
    const of = total > 0 ? ` of ${number.format(total)}` : ''
    return `${step}: ${number.format(done)}${of}${rate}`
  }
  const bar = () => {
    const filled = total > 0 ? Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH)) : 0
    return `[${'='.repeat(filled).padEnd(BAR_WIDTH)}] `
  }
  return {
    begin(name, count) {
      ;[step, total, done] = [name, Math.round(count), 0]
      startedAt = performance.now()
      shownAt = startedAt
      if (output.isTTY) output.write(bar() + status())
    },
    advance(count) {
      done += count
      const now = performance.now()
      if (now - shownAt < (output.isTTY ? REDRAW_MS : LINE_MS)) return
      shownAt = now
      output.write(output.isTTY ? `\r\u001b[K${bar()}${status()}` : `${status()}\n`)
    },
    end() {
      total = 0
      output.write(output.isTTY ? `\r\u001b[K${status()}\n` : `${status()}\n`)
    },
  }
}
