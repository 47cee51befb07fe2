import { Redis } from '@upstash/redis'
import { Resend } from 'resend'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { startMailbox } from '../../local/mailbox/index.ts'
import { startUpstashGateway } from '../../local/upstash/index.ts'
import { startFaultProxy } from '../setup/fault-proxy.ts'
import { type Lane, openLane } from '../setup/lanes.ts'

const MAIL = { from: 'a@example.com', to: 'b@example.com', subject: 's', text: 't' }

const upstash = await startUpstashGateway({ engine: 'memory' })
const mailbox = await startMailbox()
const proxy = await startFaultProxy({
  targets: { neon: 'http://127.0.0.1:1', upstash: upstash.url, resend: mailbox.url },
})
afterAll(() => Promise.all([proxy.close(), upstash.close(), mailbox.close()]))

let lane: Lane
let redis: Redis
beforeEach(async () => {
  lane = await openLane(proxy.url, 'upstash')
  redis = new Redis({ url: lane.url, token: upstash.token, retry: false })
})
afterEach(() => lane.close())

const send = (command: unknown[], signal?: AbortSignal) =>
  fetch(lane.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${upstash.token}` },
    body: JSON.stringify(command),
    ...(signal && { signal }),
  })

test('a lane without a fault forwards path, body, headers and response', async () => {
  expect(await redis.set('a', 'ż')).toBe('OK')
  expect(await redis.get('a')).toBe('ż')
  const response = await send(['ECHO', 'a/b'])
  expect(await response.json()).toEqual({ result: 'a/b' })
  expect(response.headers.get('content-type')).toBe('application/json')
})

test('the log has each request and its times, without credentials', async () => {
  await redis.set('a', 1)
  await expect(new Redis({ url: lane.url, token: 'x', retry: false }).get('a')).rejects.toThrow()
  const [first, second] = await lane.log()
  expect(first).toMatchObject({
    ...{ method: 'POST', path: '/pipeline', status: 200, fault: 'none' },
    body: '[["set","a",1]]',
    headers: { 'upstash-encoding': 'base64' },
  })
  expect(second).toMatchObject({ status: 401 })
  expect(JSON.stringify([first, second])).not.toContain('Bearer')
  expect(first?.endedAt).toBeGreaterThan(first?.startedAt ?? Number.POSITIVE_INFINITY)
  expect(second?.startedAt).toBeGreaterThan(first?.endedAt ?? Number.POSITIVE_INFINITY)
  await lane.clear()
  expect(await lane.log()).toEqual([])
})

test('disconnect closes the connection and forwards nothing', async () => {
  await redis.set('unchanged', 'before')
  await lane.fault({ kind: 'disconnect' })
  await expect(redis.set('unchanged', 'after')).rejects.toThrow('fetch failed')
  await lane.calm()
  expect(await redis.get('unchanged')).toBe('before')
  expect((await lane.log())[1]).toMatchObject({ fault: 'disconnect', status: null })
})

test('hang does not respond until the client or the lane closes', async () => {
  await lane.fault({ kind: 'hang' })
  await expect(send(['PING'], AbortSignal.timeout(100))).rejects.toThrow('timeout')
  await expect.poll(async () => (await lane.log())[0]?.endedAt).toBeGreaterThan(0)
  const rejection = expect(send(['PING'])).rejects.toThrow('fetch failed')
  await expect.poll(async () => (await lane.log()).length).toBe(2)
  await lane.close()
  await rejection
  lane = await openLane(proxy.url, 'upstash')
})

test('slow forwards after a delay', async () => {
  await lane.fault({ kind: 'slow', ms: 150 })
  expect(await redis.ping()).toBe('PONG')
  const [entry] = await lane.log()
  expect((entry?.endedAt ?? 0) - (entry?.startedAt ?? 0)).toBeGreaterThanOrEqual(149)
})

test('status responds itself', async () => {
  const headers = { 'retry-after': '7' }
  await lane.fault({ kind: 'status', status: 429, body: '{"error":"quota"}', headers })
  const response = await send(['PING'])
  expect(response.status).toBe(429)
  expect(response.headers.get('retry-after')).toBe('7')
  await expect(redis.ping()).rejects.toThrow('quota')
})

test('garbage is an unreadable 200', async () => {
  await lane.fault({ kind: 'garbage' })
  await expect(redis.ping()).rejects.toThrow('Unable to parse response body')
})

test('cut forwards the request and breaks off the response', async () => {
  await lane.fault({ kind: 'cut' })
  const response = await send(['SET', 'cut', 1])
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
  expect((await lane.log())[0]?.status).toBeNull()
  await lane.calm()
  expect(await redis.get('cut')).toBe(1)
})

test('lose-response forwards the request and does not respond', async () => {
  const box = await openLane(proxy.url, 'resend')
  const resend = new Resend(mailbox.apiKey, { baseUrl: box.url })
  await box.fault({ kind: 'lose-response', times: 1 })
  const lost = await resend.emails.send(MAIL, { idempotencyKey: 'k' })
  expect(lost.error?.name).toBe('application_error')
  expect((await resend.emails.send(MAIL, { idempotencyKey: 'k' })).error).toBeNull()
  expect((await resend.emails.list()).data?.data).toHaveLength(1)
  await box.close()
})

test('times and match restrict a fault', async () => {
  await lane.fault({ kind: 'status', status: 500, body: '{"error":"x"}', times: 2, match: 'hit' })
  expect(await redis.get('other')).toBeNull()
  for (let n = 0; n < 2; n++) await expect(redis.get('hit')).rejects.toThrow()
  expect(await redis.get('hit')).toBeNull()
  expect((await lane.log()).map(({ fault }) => fault)).toEqual(['none', 'status', 'status', 'none'])
})

test('a fault follows another', async () => {
  // Not `disconnect`, after which the SDK tries again.
  const next = { kind: 'status', status: 500, body: '{"error":"x"}', times: 1 } as const
  await lane.fault({ kind: 'none', times: 1, next })
  expect(await redis.get('other')).toBeNull()
  await expect(redis.get('other')).rejects.toThrow()
  expect(await redis.get('other')).toBeNull()
})

test('lanes are independent, and a closed one is 404', async () => {
  const other = await openLane(proxy.url, 'upstash')
  await other.fault({ kind: 'disconnect' })
  expect(await redis.ping()).toBe('PONG')
  expect(await other.log()).toEqual([])
  await other.close()
  expect((await fetch(`${other.url}/ping`)).status).toBe(404)
})

test('a target that is down is 502', async () => {
  const down = await openLane(proxy.url, 'neon')
  const response = await fetch(`${down.url}/sql`, { method: 'POST', body: '{}' })
  expect(response.status).toBe(502)
  expect(await response.text()).toContain('ECONNREFUSED')
})

test.each([
  [{ kind: 'hangs' }, "A fault's kind is one of none,"],
  [{ kind: 'slow' }, 'The fault \\"slow\\" needs ms'],
])('the fault %j is an error', async (fault, message) => {
  const url = `${proxy.url}/lanes/${lane.url.split('/').at(-1)}/fault`
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(fault) })
  expect(await response.text()).toContain(message)
})
