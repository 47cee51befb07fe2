import { beforeAll, expect, test } from 'vitest'
import { freshName, newAdmin } from '../../setup/accounts.ts'
import { environment, visitor } from '../../setup/api.ts'
import { emptyDatabase, sql } from '../../setup/database.ts'
import { expectInvalid, userRead } from '../../setup/shapes.ts'

// A database of its own: totals and pages are about all users there are.
let get: (query: string) => ReturnType<ReturnType<typeof visitor>['get']>
let url: string

/** 23 users: u01 to u23, every fifth disabled, and x01 to x03 deleted. Names in mixed case. */
beforeAll(async () => {
  const admin = await newAdmin()
  url = await emptyDatabase()
  const [copied] = await sql<{ hashed_password: string }>(
    'select hashed_password from admins where id = $1',
    [admin.id],
  )
  await sql(
    "insert into admins (username, email, hashed_password) values ('root', 'root@example.com', $1)",
    [copied?.hashed_password],
    url,
  )
  await sql(
    `insert into users (username, email, is_active)
     select case when n % 2 = 0 then 'U' else 'u' end || lpad(n::text, 2, '0'),
       'mail' || lpad((24 - n)::text, 2, '0') || '@example.com', n % 5 <> 0
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
  const caller = visitor({ env: environment({ DATABASE_URL: url }) })
  const { body } = await caller.post('/api/admins/login', {
    username: 'root',
    password: admin.password,
  })
  get = (query) => caller.get(`/api/admins/users${query}`, { token: body.access_token })
})

const names = (body: { items: { username: string }[] }) =>
  body.items.map(({ username }) => username.toLowerCase())

const numbered = (from: number, to: number) =>
  Array.from(
    { length: Math.abs(to - from) + 1 },
    (_, index) => `u${String(from + index * Math.sign(to - from)).padStart(2, '0')}`,
  )

test('GET /api/admins/users answers the newest ten, in the shape of the contract', async () => {
  const { status, body } = await get('')
  expect(status).toBe(200)
  expect(names(body)).toEqual(numbered(23, 14))
  const { items, next_cursor, ...page } = body
  expect(page).toEqual({ total: 23, page: 1, page_size: 10, total_pages: 3 })
  expect(next_cursor).toEqual(expect.any(String))
  for (const item of items) expect(item).toEqual(userRead({ is_active: item.is_active }))
})

test('GET /api/admins/users pages by number, to the last page and beyond', async () => {
  const last = await get('?page=3')
  expect(names(last.body)).toEqual(numbered(3, 1))
  expect(last.body).toMatchObject({ page: 3, total: 23, total_pages: 3, next_cursor: null })
  const beyond = await get('?page=4&page_size=10')
  expect(beyond.body).toEqual({
    ...{ items: [], total: 23, page: 4, page_size: 10, total_pages: 3, next_cursor: null },
  })
  const all = await get('?page_size=100')
  expect(all.body).toMatchObject({ total_pages: 1, page_size: 100, next_cursor: null })
  expect(names(all.body)).toEqual(numbered(23, 1))
})

test('GET /api/admins/users?is_active counts and lists one kind', async () => {
  const disabled = await get('?is_active=false')
  expect(names(disabled.body)).toEqual(['u20', 'u15', 'u10', 'u05'])
  expect(disabled.body).toMatchObject({ total: 4, total_pages: 1 })
  const active = await get('?is_active=true&page_size=100')
  expect(active.body.total).toBe(19)
  expect(active.body.items).toHaveLength(19)
})

test('GET /api/admins/users?search finds prefixes of username and email in any case', async () => {
  const byName = await get('?search=u2&sort=username')
  expect(names(byName.body)).toEqual(['u20', 'u21', 'u22', 'u23'])
  expect(byName.body.total).toBe(4)
  expect(names((await get('?search=MAIL23%40')).body)).toEqual(['u01'])
  expect((await get('?search=2')).body).toMatchObject({ items: [], total: 0, total_pages: 0 })
  for (const wildcard of ['%25', '_', '%5C']) {
    expect((await get(`?search=${wildcard}`)).body.total).toBe(0)
  }
  expect((await get('?search=u2&is_active=false')).body.total).toBe(1)
})

test('GET /api/admins/users?deleted lists the deleted ones alone', async () => {
  const { body } = await get('?deleted=true')
  expect(names(body)).toEqual(['x03', 'x02', 'x01'])
  expect(body.total).toBe(3)
})

test.each([
  ['-created_at', numbered(23, 1)],
  ['created_at', numbered(1, 23)],
  ['username', numbered(1, 23)],
  ['-username', numbered(23, 1)],
  ['email', numbered(23, 1)],
  ['-email', numbered(1, 23)],
])(
  'GET /api/admins/users?sort=%s walks by cursor through all without gap or double',
  async (sort, expected) => {
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 6; page++) {
      const { body } = await get(`?page_size=5&sort=${sort}${cursor}`)
      expect(body.total).toBe(23)
      seen.push(...names(body))
      if (body.next_cursor === null) break
      cursor = `&cursor=${body.next_cursor}`
    }
    expect(seen).toEqual(expected)
  },
)

test('GET /api/admins/users by cursor is not moved by users who register meanwhile', async () => {
  const first = await get('?page_size=20')
  const name = freshName('between')
  await sql('insert into users (username, email) values ($1, $1)', [name], url)
  const second = await get(`?page_size=20&cursor=${first.body.next_cursor}`)
  await sql('delete from users where username = $1', [name], url)
  expect([...names(first.body), ...names(second.body)]).toEqual(numbered(23, 1))
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
])('GET /api/admins/users?%s answers 422 and names %s', async (query, field) => {
  expectInvalid(await get(`?${query}`), field)
})
