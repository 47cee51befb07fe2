/** How long a fresh process takes to its first response, and how much is uploaded. */
import { gzipKib } from '../build.ts'
import { median } from '../report/statistics.ts'
import { serveWorker, type WorkerOptions } from '../workerd.ts'

export type Start = { name: string; milliseconds: number; gzipKib: number }

/** Reached by all of them, whether or not there is something. It creates what requests share. */
const PATH = '/'

/** Each in turn, `times` times: medians. */
export async function measureStart(
  workers: Record<string, WorkerOptions>,
  times: number,
): Promise<Start[]> {
  const samples = new Map(Object.keys(workers).map((name): [string, number[]] => [name, []]))
  for (let i = 0; i < times; i++) {
    for (const [name, options] of Object.entries(workers)) {
      const worker = await serveWorker(options)
      await (await fetch(worker.url + PATH)).text()
      samples.get(name)?.push(performance.now() - worker.startedAt)
      await worker.stop()
    }
  }
  return Promise.all(
    Object.entries(workers).map(async ([name, { script }]) => ({
      name,
      milliseconds: median(samples.get(name) ?? []),
      gzipKib: await gzipKib(script),
    })),
  )
}
