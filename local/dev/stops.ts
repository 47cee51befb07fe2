export interface Stops {
  /** Registers how to stop what was just started. Calls it at once if stopping has begun. */
  add(stop: () => unknown): void
  begun(): boolean
  /** Stops everything, in reverse order. */
  run(): Promise<void>
}

export function createStops(): Stops {
  const stack: (() => unknown)[] = []
  let running: Promise<void> | undefined

  async function runAll(): Promise<void> {
    for (let stop = stack.pop(); stop !== undefined; stop = stack.pop()) {
      try {
        await stop()
      } catch (error) {
        console.error(error instanceof Error ? error.message : String(error))
      }
    }
  }

  return {
    add(stop) {
      stack.push(stop)
      if (running !== undefined) running = running.then(runAll)
    },
    begun: () => running !== undefined,
    run() {
      running ??= runAll()
      return running
    },
  }
}
