export interface Stops {
  /**
   * Registers how to stop what was just started. Calls it at once if stopping has begun.
   *
   * @param part its name, and when it ends: before it is stopped, this is unexpected
   * @returns stops it alone, now
   */
  add(stop: () => unknown, part?: { name: string; ended: Promise<unknown> }): () => Promise<void>
  begun(): boolean
  /** Stops everything, in reverse order. */
  run(): Promise<void>
}

/** @param onExit called with the name of a part that ends on its own */
export function createStops(onExit: (name: string) => void): Stops {
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
    add(stop, part) {
      stack.push(stop)
      void part?.ended.then(() => {
        if (stack.includes(stop)) onExit(part.name)
      })
      if (running !== undefined) running = running.then(runAll)
      return async () => {
        const index = stack.indexOf(stop)
        if (index === -1) return
        stack.splice(index, 1)
        await stop()
      }
    },
    begun: () => running !== undefined,
    run() {
      running ??= runAll()
      return running
    },
  }
}
