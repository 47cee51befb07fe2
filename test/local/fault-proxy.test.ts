import { Redis } from '@upstash/redis'
import { Resend } from 'resend'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type RunningMailbox, startMailbox } from '../../local/mailbox/index.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/index.ts'
import { type FaultProxy, startFaultProxy } from '../setup/fault-proxy.ts'
import { type Lane, openLane } from '../setup/lanes.ts'

const MAIL = { from: 'a@example.com', to: 'b@example.com', subject: 's', text: 't' }

let upstash: UpstashGateway
let mailbox: RunningMailbox
let proxy: FaultProxy
let lane: Lane
let redis: Redis

beforeAll(async () => {
  upstash = await startUpstashGateway({ engine: 'memory' })
  mailbox = await startMailbox()
  const targets = { neon: 'http://127.0.0.1:1', upstash: upstash.url, resend: mailbox.url }
  proxy = await startFaultProxy({ targets })
})

beforeEach(async () => {
  lane = await openLane(proxy.url, 'upstash')
  redis = new Redis({ url: lane.url, token: upstash.token, retry: false })
})

afterEach(() => lane.close())

afterAll(async () => {
  await proxy.close()
  await Promise.all([upstash.close(), mailbox.close()])
})

const send = (command: unknown[]) =>
  fetch(lane.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${upstash.token}` },
    body: JSON.stringify(command),
  })

test('a calm lane forwards path, body, headers and answer', async () => {
  expect(await redis.set('a', 'ż')).toBe('OK')
  expect(await redis.get('a')).toBe('ż')
  const response = await send(['ECHO', 'a/b'])
  expect(await response.json()).toEqual({ result: 'a/b' })
  expect(response.headers.get('content-type')).toBe('application/json')
})

test('the log tells what came when, without credentials', async () => {
  await redis.set('a', 1)
  await expect(new Redis({ url: lane.url, token: 'x', retry: false }).get('a')).rejects.toThrow()
  const [first, second] = await lane.log()
  expect(first).toMatchObject({ method: 'POST', path: '/pipeline', status: 200, fault: 'none' })
  expect(first?.body).toBe('[["set","a",1]]')
  expect(first?.headers).toMatchObject({ 'upstash-encoding': 'base64' })
  expect(JSON.stringify([first, second])).not.toContain('Bearer')
  expect(first?.endedAt).toBeGreaterThan(first?.startedAt ?? Number.POSITIVE_INFINITY)
  expect(second?.startedAt).toBeGreaterThan(first?.endedAt ?? Number.POSITIVE_INFINITY)
  expect(second).toMatchObject({ status: 401 })
  await lane.clear()
  expect(await lane.log()).toEqual([])
})

test('refuse ends the connection and forwards nothing', async () => {
  await redis.set('refused', 'before')
  await lane.fault({ kind: 'refuse' })
  await expect(redis.set('refused', 'after')).rejects.toThrow('fetch failed')
  await lane.calm()
  expect(await redis.get('refused')).toBe('before')
  expect((await lane.log())[1]).toMatchObject({ fault: 'refuse', status: null })
})

test('hang does not answer until the client goes', async () => {
  await lane.fault({ kind: 'hang' })
  const signal = AbortSignal.timeout(100)
  await expect(fetch(`${lane.url}/ping`, { signal })).rejects.toThrow('timeout')
  await expect.poll(async () => (await lane.log())[0]?.endedAt).toBeGreaterThan(0)
  const released = fetch(`${lane.url}/ping`)
  await expect.poll(async () => (await lane.log()).length).toBe(2)
  const rejection = expect(released).rejects.toThrow('fetch failed')
  await lane.close()
  await rejection
  lane = await openLane(proxy.url, 'upstash')
})

test('slow forwards late', async () => {
  await lane.fault({ kind: 'slow', ms: 150 })
  expect(await redis.ping()).toBe('PONG')
  const [entry] = await lane.log()
  expect((entry?.endedAt ?? 0) - (entry?.startedAt ?? 0)).toBeGreaterThanOrEqual(149)
})

test('status answers by itself', async () => {
  const headers = { 'retry-after': '7' }
  await lane.fault({ kind: 'status', status: 429, body: '{"error":"quota"}', headers })
  const response = await fetch(`${lane.url}/ping`)
  expect(response.status).toBe(429)
  expect(response.headers.get('retry-after')).toBe('7')
  await expect(redis.ping()).rejects.toThrow('quota')
})

test('garbage is 200 and can not be read', async () => {
  await lane.fault({ kind: 'garbage' })
  await expect(redis.ping()).rejects.toThrow('Unable to parse response body')
})

test('cut carries the request out and breaks off the answer', async () => {
  await lane.fault({ kind: 'cut' })
  const response = await send(['SET', 'cut', 1])
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
  expect((await lane.log())[0]?.status).toBeNull()
  await lane.calm()
  expect(await redis.get('cut')).toBe(1)
})

test('lose-answer carries the request out and answers nothing', async () => {
  const box = await openLane(proxy.url, 'resend')
  const resend = new Resend(mailbox.apiKey, { baseUrl: box.url })
  await box.fault({ kind: 'lose-answer', times: 1 })
  const lost = await resend.emails.send(MAIL, { idempotencyKey: 'k' })
  expect(lost.error?.name).toBe('application_error')
  const again = await resend.emails.send(MAIL, { idempotencyKey: 'k' })
  expect(again.error).toBeNull()
  expect((await resend.emails.list()).data?.data).toHaveLength(1)
  await box.close()
})

test('times and match narrow a fault down', async () => {
  await lane.fault({ kind: 'status', status: 500, body: '{"error":"x"}', times: 2, match: 'hit' })
  expect(await redis.get('other')).toBeNull()
  await expect(redis.get('hit')).rejects.toThrow()
  await expect(redis.get('hit')).rejects.toThrow()
  expect(await redis.get('hit')).toBeNull()
  expect((await lane.log()).map(({ fault }) => fault)).toEqual(['none', 'status', 'status', 'none'])
})

test('lanes do not disturb each other', async () => {
  const other = await openLane(proxy.url, 'upstash')
  await other.fault({ kind: 'refuse' })
  expect(await redis.ping()).toBe('PONG')
  expect(await other.log()).toEqual([])
  await other.close()
  expect((await fetch(`${other.url}/ping`)).status).toBe(404)
})

test('a target that is away is 502', async () => {
  const away = await openLane(proxy.url, 'neon')
  const response = await fetch(`${away.url}/sql`, { method: 'POST', body: '{}' })
  expect(response.status).toBe(502)
  expect(await response.text()).toContain('ECONNREFUSED')
})

test('mistakes in a fault are told', async () => {
  const put = (fault: object) =>
    fetch(`${proxy.url}/lanes/${lane.url.split('/').at(-1)}/fault`, {
      method: 'PUT',
      body: JSON.stringify(fault),
    })
  expect(await (await put({ kind: 'hangs' })).text()).toContain("A fault's kind is one of none,")
  expect(await (await put({ kind: 'slow' })).text()).toContain('The fault \\"slow\\" needs ms')
})
