import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import * as shared from '../../src/passwords/common.ts'

const { ASSETS } = env as unknown as Bindings

/** Assets whose list is what is given, and how often it was fetched. */
function assetsOf(...responses: Response[]) {
  const asked: unknown[] = []
  const fetcher = async (url: unknown) => {
    asked.push(url)
    return responses.shift() ?? new Response(null, { status: 500 })
  }
  return { asked, assets: Object.assign(Object.create(ASSETS), { fetch: fetcher }) as Fetcher }
}

/** Another copy of the module, which has not read the list yet. */
const path = '../../src/passwords/common.ts?copy'
const copy: typeof shared = await import(/* @vite-ignore */ path)

test('the list is read once; while it is missing, each call is an error that says what to do', async () => {
  const { asked, assets } = assetsOf(new Response(null, { status: 404 }), new Response('ab\ncd\n'))
  await expect(copy.commonPasswords(assets)).rejects.toThrow('run npm run build:assets')
  const list = await copy.commonPasswords(assets)
  expect([...list]).toEqual(['ab', 'cd'])
  expect(await copy.commonPasswords(assets)).toBe(list)
  expect(asked).toEqual(Array(2).fill('https://assets/assets/common-passwords.txt'))
})

test('the list has some thousand passwords, in lower case', async () => {
  const list = await shared.commonPasswords(ASSETS)
  expect(list.size).toBeGreaterThan(2_000)
  expect([...list].filter((each) => each !== each.toLowerCase() || each === '')).toEqual([])
})
