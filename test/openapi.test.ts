import { expect, test } from 'vitest'
import { app } from '../src/app.ts'
import { openApi } from './setup/conformance.ts'

const { components, paths } = await openApi()

const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { responses }]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    responses,
  })),
)

test('the OpenAPI document has every mounted route, and no other', () => {
  const mounted = app.routes
    .filter(({ method, path }) => method !== 'ALL' && path !== '/assets/*')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  const documented = operations.map(({ name }) => name)
  expect(documented.toSorted()).toEqual([...new Set(mounted)].toSorted())
})

test('the OpenAPI document has a summary and an id for each operation, and schemas that exist', () => {
  const text = JSON.stringify({ components, paths })
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(operations.length)
  expect(text.match(/"summary":"/g)?.length).toBeGreaterThanOrEqual(operations.length)
  for (const [, name = ''] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) {
    expect(components.schemas).toHaveProperty(name)
  }
})

test('the OpenAPI document has an example of every error', () => {
  const errors = operations.flatMap(({ name, path, responses }) =>
    Object.entries(responses)
      .filter(([status]) => Number(status) >= 400 && path !== '/health')
      .map(([status, response]) => ({ name, status, response: JSON.stringify(response) })),
  )
  const example = /"examples":\{.+#\/components\/schemas\/Error"|Error"\}.*"examples"/
  expect(errors.length).toBeGreaterThan(operations.length)
  expect(errors.filter(({ response }) => !example.test(response))).toEqual([])
})

test.each(['users', 'admins'])(
  'the OpenAPI document says of /api/%s what cookie mode sends, sets and rejects',
  (type) => {
    const cookie = `__Host-refresh_${type}`
    for (const act of ['login', 'refresh', 'logout']) {
      const operation = JSON.stringify(paths[`/api/${type}/${act}`]?.['post'])
      expect(operation).toMatch(/"in":"header","name":"X-Refresh-Token","schema":\{[^}]*"cookie"/)
      expect(operation).toMatch(/"Set-Cookie":/)
      expect(operation).toMatch(/need an Origin header that is listed in CORS_ORIGINS/)
      expect(operation).not.toMatch(/"required":\["refresh_token"\]/)
    }
    expect(JSON.stringify(components)).toContain(`"in":"cookie","name":"${cookie}"`)
  },
)
