import { beforeAll, expect, test } from 'vitest'
import { hashPassword } from '../../../src/passwords/hash.ts'
import { freshName, logIn, PASSWORD } from '../../setup/accounts.ts'
import { environment, type Visitor, visitor } from '../../setup/api.ts'
import { emptyDatabase, sql } from '../../setup/database.ts'
import { expectInvalid, userRead } from '../../setup/shapes.ts'

// A database of its own: totals and pages are about every user in it.
let get: (query: string) => ReturnType<Visitor['get']>
let url: string

/** 23 users, u01 to u23, every fifth of them disabled, and x01 to x03, deleted. Names and emails in mixed case. */
beforeAll(async () => {
  url = await emptyDatabase()
  const env = environment({ DATABASE_URL: url })
  const hash = await hashPassword(PASSWORD, 10)
  await sql(
    "insert into admins (username, email, hashed_password) values ('root', 'root@example.com', $1)",
    [hash],
    url,
  )
  await sql(
    `insert into users (username, email, is_active)
     select case when n % 2 = 0 then 'U' else 'u' end || lpad(n::text, 2, '0'),
       case when n % 3 = 0 then 'M' else 'm' end || 'ail' || lpad((24 - n)::text, 2, '0') || '@example.com', n % 5 <> 0
     from generate_series(1, 23) as n`,
    [],
    url,
  )
  await sql(
    `insert into users (username, email, deleted_at)
     select 'x0' || n, 'x0' || n || '@example.com', now() from generate_series(1, 3) as n`,
    [],
    url,
  )
  const { access_token: token } = await logIn(visitor({ env }), 'root', { kind: 'admins' })
  // A visitor for each call: there are more calls than one address may make.
  get = (query) => visitor({ env }).get(`/api/admins/users?${query}`, { token })
})

const names = (body: { items: { username: string }[] }) =>
  body.items.map(({ username }) => username.toLowerCase())

const ASCENDING = Array.from({ length: 23 }, (_, i) => `u${String(i + 1).padStart(2, '0')}`)
const DESCENDING = ASCENDING.toReversed()

const LAST_PAGE = { next_cursor: null }

test.each([
  ['', { page: 1, page_size: 10, total_pages: 3 }, DESCENDING.slice(0, 10)],
  ['page=3', { page: 3, page_size: 10, total_pages: 3, ...LAST_PAGE }, DESCENDING.slice(20)],
  ['page=4', { page: 4, page_size: 10, total_pages: 3, ...LAST_PAGE }, []],
  ['page_size=100', { page: 1, page_size: 100, total_pages: 1, ...LAST_PAGE }, DESCENDING],
])(
  'GET /api/admins/users?%s returns that page of users, newest first',
  async (query, page, expected) => {
    const { status, body } = await get(query)
    const { items, ...rest } = body
    expect(status).toBe(200)
    expect(rest).toEqual({
      ...{ total: 23, total_is_capped: false, next_cursor: expect.any(String) },
      ...page,
    })
    expect(names(body)).toEqual(expected)
    for (const item of items) expect(item).toEqual(userRead({ is_active: item.is_active }))
  },
)

test.each([
  ['is_active=false', ['u20', 'u15', 'u10', 'u05']],
  ['is_active=true&page_size=100', DESCENDING.filter((name) => !/[05]$/.test(name))],
  ['search=u2&sort=username', ['u20', 'u21', 'u22', 'u23']],
  ['search=U2&is_active=false', ['u20']],
  ['search=MAIL23%40', ['u01']],
  ['search=mail1&sort=username&page_size=100', ASCENDING.slice(4, 14)],
  ['search=2', []],
  ['deleted=true', ['x03', 'x02', 'x01']],
])('GET /api/admins/users?%s lists and counts %j', async (query, expected) => {
  const { body } = await get(query)
  expect(names(body)).toEqual(expected)
  expect(body).toMatchObject({ total: expected.length, total_pages: Math.min(expected.length, 1) })
})

const SORTED = [
  ['-created_at', DESCENDING],
  ['created_at', ASCENDING],
  ['username', ASCENDING],
  ['-username', DESCENDING],
  ['email', DESCENDING],
  ['-email', ASCENDING],
] as const

const isDisabled = (name: string) => /[05]$/.test(name)

test.each([
  ['', ASCENDING],
  ['is_active=false', ASCENDING.filter(isDisabled)],
  ['is_active=true', ASCENDING.filter((name) => !isDisabled(name))],
  ['search=u', ASCENDING],
  ['search=mail1', ASCENDING.filter((_, i) => i >= 4 && i <= 13)],
  ['search=u1&is_active=true', ASCENDING.filter((name) => /^u1[^05]$/.test(name))],
  ['deleted=true', ['x01', 'x02', 'x03']],
  ['deleted=true&search=x', ['x01', 'x02', 'x03']],
])(
  'GET /api/admins/users?%s returns every user once, in each order, by number and by cursor',
  async (filter, all) => {
    for (const [sort, order] of SORTED) {
      const deleted = filter.startsWith('deleted')
      const expected = deleted
        ? sort.startsWith('-')
          ? all.toReversed()
          : all
        : order.filter((name) => all.includes(name))
      const byNumber: string[] = []
      const byCursor: string[] = []
      let cursor = ''
      for (let page = 1; page <= Math.ceil(all.length / 3) + 1; page++) {
        const numbered = await get(`page_size=3&sort=${sort}&page=${page}&${filter}`)
        expect(numbered.body.total).toBe(all.length)
        byNumber.push(...names(numbered.body))
        if (cursor === 'null') continue
        const { body } = await get(`page_size=3&sort=${sort}&${filter}&${cursor}`)
        byCursor.push(...names(body))
        cursor = body.next_cursor === null ? 'null' : `cursor=${body.next_cursor}`
      }
      expect(byNumber).toEqual(expected)
      expect(byCursor).toEqual(expected)
    }
  },
)

test('GET /api/admins/users counts at most 10,000 matches of a search, and sorts all of them', async () => {
  const many = (n: number) => `many${String(n).padStart(5, '0')}`
  await sql(
    `insert into users (username, email)
     select 'many' || lpad(n::text, 5, '0'), 'post' || n || '@example.com'
     from generate_series(1, 10001) as n`,
    [],
    url,
  )
  const all = await get('search=MANY&page_size=2')
  expect(all.body).toMatchObject({ total: 10_000, total_is_capped: true, total_pages: 5_000 })
  expect(names(all.body)).toEqual([many(10_001), many(10_000)])
  const oldest = await get('search=many&page_size=2&page=50&sort=created_at')
  expect(names(oldest.body)).toEqual([many(99), many(100)])
  const byEmail = await get('search=post&page_size=1&sort=username')
  expect(byEmail.body).toMatchObject({ total: 10_000, total_is_capped: true })
  expect(names(byEmail.body)).toEqual([many(1)])
  const everybody = await get('')
  expect(everybody.body).toMatchObject({ total: 10_024, total_is_capped: false })

  await sql('delete from users where username = $1', [many(7)], url)
  const { body } = await get('search=many')
  expect(body).toMatchObject({ total: 10_000, total_is_capped: false })
  await sql("delete from users where username like 'many%'", [], url)
  expect((await get('')).body.total).toBe(23)
})

test('GET /api/admins/users has the totals of users who are disabled, deleted and restored', async () => {
  const totals = () =>
    Promise.all(
      ['is_active=true', 'is_active=false', 'deleted=true', 'deleted=true&is_active=false'].map(
        async (query) => (await get(query)).body.total,
      ),
    )
  const change = (set: string) => sql(`update users set ${set} where username = 'u01'`, [], url)
  expect(await totals()).toEqual([19, 4, 3, 0])
  await change('is_active = false')
  expect(await totals()).toEqual([18, 5, 3, 0])
  await change('deleted_at = now()')
  expect(await totals()).toEqual([18, 4, 4, 1])
  await change('is_active = true, deleted_at = null')
  expect(await totals()).toEqual([19, 4, 3, 0])
  await sql(
    "insert into users (username, email, deleted_at) values ('gone', 'gone', now())",
    [],
    url,
  )
  expect(await totals()).toEqual([19, 4, 4, 0])
  await sql("delete from users where username = 'gone'", [], url)
  expect(await totals()).toEqual([19, 4, 3, 0])
})

test('GET /api/admins/users with a cursor is not shifted by users who register in between', async () => {
  const first = await get('page_size=20')
  const name = freshName('between')
  await sql('insert into users (username, email) values ($1, $1)', [name], url)
  const second = await get(`page_size=20&cursor=${first.body.next_cursor}`)
  await sql('delete from users where username = $1', [name], url)
  expect([...names(first.body), ...names(second.body)]).toEqual(DESCENDING)
})

const encoded = (position: unknown) => btoa(JSON.stringify(position)).replaceAll('=', '')

test.each([
  ['page=0', 'page'],
  ['page=1.5', 'page'],
  ['page=100001', 'page'],
  ['page_size=0', 'page_size'],
  ['page_size=101', 'page_size'],
  ['page_size=ten', 'page_size'],
  ['is_active=maybe', 'is_active'],
  ['deleted=2', 'deleted'],
  ['sort=password', 'sort'],
  ['search=', 'search'],
  ['search=a%00b', 'search'],
  ['cursor=!', 'cursor'],
  ['cursor=bm90IGpzb24', 'cursor'],
  [`cursor=${encoded({ after: '1' })}`, 'cursor.sort'],
  [`cursor=${encoded({ sort: 'email', after: 'a' })}`, 'cursor'],
  [`cursor=${encoded({ sort: '-created_at', after: 1 })}`, 'cursor.after'],
  [`cursor=${encoded({ sort: '-created_at', after: "1' or true" })}`, 'cursor.after'],
  [`cursor=${encoded({ sort: '-created_at', after: '99999999999' })}`, 'cursor.after'],
  [`cursor=${encoded({ sort: '-created_at', after: '1e3' })}`, 'cursor.after'],
])('GET /api/admins/users?%s returns 422 and names %s', async (query, field) => {
  expectInvalid(await get(query), field)
})
