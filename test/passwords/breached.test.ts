import { afterEach, expect, inject, test } from 'vitest'
import { isBreached } from '../../src/passwords/breached.ts'
import { listen } from '../security/captured-log.ts'
import { openLane } from '../setup/lanes.ts'
import type {} from '../setup/world.ts'

const lane = await openLane(inject('world').faultProxyUrl, 'resend')
/** Of `password`: 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8. */
const SUFFIX = '1E4C9B93F3F0682250B6CF8331B7EE68FD8'
const OTHER = '0'.repeat(35)

const respondWith = (body: string, status = 200) => lane.fault({ kind: 'status', status, body })

afterEach(() => lane.calm())

test.each([
  ['between others', `${OTHER}:3\r\n${SUFFIX}:7\r\n${OTHER}:1`, true],
  ['with lines that end otherwise', `${OTHER}:3\n${SUFFIX}:7\n`, true],
  ['many times', `${SUFFIX}:100`, true],
  ['with a count of padding', `${SUFFIX}:0\r\n${OTHER}:5`, false],
  ['not at all', `${OTHER}:3`, false],
  ['as the end of a line', `${OTHER}:${SUFFIX}:1`, false],
])('a password that the range has %s', async (_, body, breached) => {
  await lane.clear()
  await respondWith(body)
  expect(await isBreached(lane.url, 'password')).toBe(breached)
  expect(await lane.log()).toMatchObject([
    { path: '/range/5BAA6', headers: { 'add-padding': 'true', 'user-agent': 'edge-accounts' } },
  ])
})

test('a lookup that fails finds nothing, and is a warning in the log', async () => {
  await respondWith(`${SUFFIX}:7`, 503)
  const output = listen()
  expect(await isBreached(lane.url, 'password')).toBe(false)
  expect(output.lines()).toMatchObject([{ level: 'warn', event: 'breached_passwords_unavailable' }])
})
