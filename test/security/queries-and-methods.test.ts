import { beforeAll, expect, test } from 'vitest'
import { newAdmin, newUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { sql } from '../setup/database.ts'
import { atOnce } from './attack.ts'

let user: Awaited<ReturnType<typeof newUser>>
let admin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  user = await newUser()
  admin = await newAdmin({ superadmin: true })
})

const { paths } = await openApi()

const HOSTILE = [
  '',
  "' or 1=1 --",
  '1; drop table users',
  '$1',
  '%',
  '_',
  '\\',
  '-1',
  '0',
  '1.5',
  '1e400',
  'NaN',
  '0x10',
  '99999999999999999999',
  '[]',
  '%00',
  '%ED%A0%80',
  '%FF',
  'eyJiZWZvcmUiOi0xfQ',
  'eyJzb3J0IjoiLWNyZWF0ZWRfYXQiLCJhZnRlciI6IicifQ',
  'bnVsbA',
]

test.each([
  ['/api/admins/users', ['page', 'page_size', 'is_active', 'search', 'sort', 'cursor', 'deleted']],
  [
    '/api/admins/audit',
    [
      'action',
      'outcome',
      'actor_kind',
      'actor_id',
      'target_kind',
      'target_id',
      'since',
      'until',
      'page_size',
      'cursor',
    ],
  ],
])(
  '26 (CWE-89): GET %s takes no nonsense in a query, and no identifier',
  async (path, parameters) => {
    const ask = (query: string) => visitor().get(`${path}?${query}`, { token: admin.access_token })
    for (const parameter of parameters) {
      const answers = await atOnce(HOSTILE.length, (i) =>
        ask(`${parameter}=${HOSTILE[i]?.replace('#', '')}`),
      )
      for (const [i, { status }] of answers.entries()) {
        expect([200, 422], `${parameter}=${HOSTILE[i]}`).toContain(status)
      }
      if (parameter === 'search') continue
      expect((await ask(`${parameter}='`)).status, parameter).toBe(422)
      expect((await ask(`${parameter}=x&${parameter}=y`)).status, parameter).toBe(422)
    }
    const unknown = await ask('order_by=hashed_password&limit=1000000&role=superadmin')
    expect(unknown.status).toBe(200)
    expect((await sql('select count(*) > 0 as there from users'))[0]).toEqual({ there: true })
  },
)

test('26: % and _ in a search are letters, not wildcards', async () => {
  const search = (text: string) =>
    visitor().get(`/api/admins/users?search=${encodeURIComponent(text)}`, {
      token: admin.access_token,
    })
  for (const text of ['%', '_____', `${user.username.slice(0, 4)}%`, '\\']) {
    expect((await search(text)).body.total, text).toBe(0)
  }
})

test.each(['0', '-1', '1.5', 'abc', '2147483648', '99999999999999999999', "1'", '%00', '%2e'])(
  '26: /api/admins/users/%s is 422 or 404, never 500',
  async (id) => {
    for (const path of [`/api/admins/users/${id}`, `/api/admins/users/${id}/sessions`]) {
      const { status } = await visitor().delete(path, undefined, { token: admin.access_token })
      expect([404, 405, 422]).toContain(status)
    }
  },
)

test('27 (RFC 9110, 15.5.6): every path answers 405 with Allow to methods it does not know, and OPTIONS with the same', async () => {
  for (const [template, operations] of Object.entries(paths)) {
    const path = template.replace('{id}', '1')
    const known = Object.keys(operations).map((method) => method.toUpperCase())
    const allowed = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].toSorted()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      if (known.includes(method)) continue
      const answer = await visitor().call(method, path)
      expectError(answer, 405, 'MethodNotAllowedError')
      expect(answer.headers.get('Allow')?.split(', ').toSorted(), `${method} ${path}`).toEqual(
        allowed,
      )
    }
    const options = await visitor().call('OPTIONS', path)
    expect([options.status, options.text]).toEqual([204, ''])
    expect(options.headers.get('Allow')?.split(', ').toSorted()).toEqual(allowed)
  }
})

test('27 (RFC 9110, 9.3.2): HEAD answers what GET does, without the body', async () => {
  for (const path of ['/', '/health', '/openapi.json', '/api/users/me', '/nowhere']) {
    const [head, get] = [
      await visitor().call('HEAD', path, undefined, { token: user.access_token }),
      await visitor().get(path, { token: user.access_token }),
    ]
    expect([head.status, head.text]).toEqual([get.status, ''])
    expect(head.headers.get('Content-Type')).toBe(get.headers.get('Content-Type'))
  }
})
