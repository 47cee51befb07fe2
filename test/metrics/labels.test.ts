import { expect, test, vi } from 'vitest'
import { expose } from '../../src/metrics/exposition.ts'
import { keyOf } from '../../src/metrics/series.ts'
import { environment, visitor } from '../setup/api.ts'
import { METRICS_TOKEN, samplesOf, scrapeOf } from '../setup/metered.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'PURGE', 'REPORT']

const pick = <T>(list: readonly T[]) => list[Math.floor(Math.random() * list.length)] as T

test('a thousand made-up requests make few series, and no label has what was sent', async () => {
  const caller = visitor({ env: environment({ METRICS_TOKEN }) })
  const flushing = Promise.withResolvers<void>()
  const wait = vi.spyOn(scheduler, 'wait').mockReturnValue(flushing.promise)
  const planned = caller.get('/nothing')
  for (let n = 0; n < 1000; n++) {
    const made = crypto.randomUUID()
    const place = pick(['', '/api/admins/users', '/api', '/assets', '/api/users/me/sessions'])
    const headers = {
      'User-Agent': `"}${made}`,
      'X-Request-ID': `"}${made}`,
      Origin: `https://${made}.test`,
    }
    const query = '?q=lovelace@example.com%22%7D%0Ax'
    await caller.call(pick(METHODS), `${place}/${made}${query}`, undefined, { headers })
  }
  flushing.resolve()
  await planned
  wait.mockResolvedValue()

  const { text } = await scrapeOf(environment({ METRICS_TOKEN }))
  wait.mockRestore()
  expect(text).toContain('{method="other",endpoint="unmatched",status="404"}')
  expect(text).toContain('endpoint="/api/admins/users/{id}",status="401"')
  expect(text).not.toMatch(
    /lovelace|PROPFIND|PURGE|REPORT|[\da-f]{8}-[\da-f]{4}|\.test|10\.\d+\.\d+\.\d+|%|\\/i,
  )
  const endpoints = new Set(
    [...text.matchAll(/endpoint="([^"]+)"/g)].map(([, endpoint]) => endpoint),
  )
  expect(endpoints.size).toBeLessThan(15)
  expect(samplesOf(text).size).toBeLessThan(1000)
})

test('a 500 is counted as an error, a 204 of OPTIONS is none', async () => {
  vi.spyOn(scheduler, 'wait').mockResolvedValue()
  const fetch = () => {
    throw new TypeError('No assets')
  }
  const env = environment({ METRICS_TOKEN, ASSETS: { fetch } as unknown as Fetcher })
  const before = samplesOf((await scrapeOf(environment({ METRICS_TOKEN }))).text)
  expect((await visitor({ env }).get('/docs')).status).toBe(500)
  expect((await visitor({ env }).call('OPTIONS', '/docs')).status).toBe(204)
  const after = samplesOf((await scrapeOf(environment({ METRICS_TOKEN }))).text)
  vi.restoreAllMocks()
  const rise = (sample: string) => (after.get(sample) ?? 0) - (before.get(sample) ?? 0)
  const errors = (labels: string) => rise(`http_errors_total{${labels}}`)
  expect(errors('method="GET",endpoint="/docs",error_type="InternalServerError"')).toBe(1)
  expect(rise('http_requests_total{method="OPTIONS",endpoint="unmatched",status="204"}')).toBe(1)
  expect(errors('method="OPTIONS",endpoint="unmatched",error_type="NotFoundError"')).toBe(0)
})

test('the values of labels are escaped', () => {
  const series = new Map([[keyOf('adl_application_info', '1', 'test', 'A "B" \\ C\n} 1'), [1]]])
  const line =
    'adl_application_info{version="1",environment="test",name="A \\"B\\" \\\\ C\\n} 1"} 1'
  expect(expose(series).split('\n').at(-2)).toBe(line)
})

test('what another version has counted is left out of the exposition', () => {
  const series = new Map([
    ['renamed_total', [1]],
    [keyOf('http_requests_total', 'GET'), [1]],
    [keyOf('http_requests_total', 'GET', '/', '200'), [1]],
  ])
  expect(expose(series).match(/^[a-z].*$/gm)).toEqual([
    'http_requests_total{method="GET",endpoint="/",status="200"} 1',
  ])
})
