/** Scraping the metrics. */
import type { Bindings } from '../../src/context.ts'
import { visitor } from './api.ts'

export const METRICS_TOKEN = 'Zk3vQ8mN1xR5tY7wB2cD4fG6hJ9kL0pS'

export const scrapeOf = (env: Bindings) => visitor({ env, token: METRICS_TOKEN }).get('/metrics')

/** The samples by name and labels. */
export const samplesOf = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  )
