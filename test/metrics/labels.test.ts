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
