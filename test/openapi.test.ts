import { expect, test } from 'vitest'
import { app } from '../src/app.ts'
import { checkOf, type OpenApi, openApi, servedDocument } from './setup/conformance.ts'

/** Characters, all of them ASCII. With every error spelled out at every operation it were 266,000. */
const MAX_SIZE = 130_000

const { paths } = await openApi()
const text = await servedDocument()

const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    name: `${method.toUpperCase()} ${path}`,
    path,
  })),
)

/** Every body that the document describes, with its examples. */
const bodies = operations.flatMap(({ name, requestBody, responses }) =>
  [['request', requestBody] as const, ...Object.entries(responses)].flatMap(([of, described]) =>
    Object.values(described?.content ?? {}).map(({ schema, example, examples = {} }) => ({
      of: `${name} ${of}`,
      schema,
      examples: [
        ...(example === undefined ? [] : [example]),
        ...Object.values(examples).map(({ value }) => value),
      ],
    })),
  ),
)

test('the OpenAPI document has every mounted route, and no other', () => {
  const mounted = app.routes
    .filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/assets/'))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  const documented = operations.map(({ name }) => name)
  expect(documented.toSorted()).toEqual([...new Set(mounted)].toSorted())
})

test('the OpenAPI document serves the API at /api/v1 and /api, and all else at /', () => {
  const { servers, paths } = JSON.parse(text) as OpenApi
  expect(servers.map(({ url }) => url)).toEqual(['/api/v1', '/api'])
  for (const [path, methods] of Object.entries(paths)) {
    const isApi = /^\/(?:users|admins|password)\//.test(path)
    for (const { servers } of Object.values(methods)) {
      expect(
        servers?.map(({ url }) => url),
        path,
      ).toEqual(isApi ? undefined : ['/'])
    }
  }
})

test('the OpenAPI document is minified', () => {
  expect(text.length).toBe(JSON.stringify(JSON.parse(text)).length)
  expect(text.length).toBeLessThan(MAX_SIZE)
})

test('each operation has an id of its own, a summary, and a tag that is described', () => {
  const { tags } = JSON.parse(text) as { tags: { name: string; description: string }[] }
  const described = tags.filter(({ description }) => description).map(({ name }) => name)
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  for (const { name, operationId, summary, tags } of operations) {
    expect(operationId, name).toMatch(/^[a-z]+([A-Z][a-z]+)+$/)
    expect(summary, name).toBeTruthy()
    expect(described, name).toEqual(expect.arrayContaining(tags))
    expect(tags, name).toHaveLength(1)
  }
})

test('each body has an example that its schema accepts, and each request a schema with a name', () => {
  expect(bodies.length).toBeGreaterThan(operations.length)
  for (const { of, schema, examples } of bodies) {
    expect(examples.length, of).toBeGreaterThan(0)
    const check = checkOf(schema)
    for (const example of examples) {
      expect(check.safeParse(example).error?.issues ?? [], of).toEqual([])
    }
  }
  const inline = Object.values(JSON.parse(text).paths as typeof paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ requestBody }) => requestBody && !('$ref' in bodySchema(requestBody)))
  expect(inline.map(({ operationId }) => operationId)).toEqual([])
})

const bodySchema = ({ content }: { content: Record<string, { schema: object }> }) =>
  content['application/json']?.schema ?? {}

test('examples of the OpenAPI document are about one person, and no number is extreme', () => {
  const examples = bodies.flatMap(({ examples }) => examples)
  const all = JSON.stringify(examples)
  const emails = new Set(all.match(/[\w.]+@[\w.]+/g))
  expect([...emails].toSorted()).toEqual(['ada@example.com', 'grace@example.com'])
  expect(text).not.toContain('-9007199254740991')
})

test('each operation of the API documents its limits and its errors, with an example of each', () => {
  const limited = operations.filter(({ path }) => path.startsWith('/api/'))
  expect(limited.length).toBeGreaterThan(30)
  for (const { name, responses } of limited) {
    expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['429', '500', '503']))
    for (const [status, { headers = {} }] of Object.entries(responses)) {
      expect(headers, `${name} ${status}`).toHaveProperty('X-Request-ID')
      expect(headers, `${name} ${status}`).toHaveProperty('API-Version')
      expect(headers, `${name} ${status}`).toHaveProperty('RateLimit')
      expect(headers, `${name} ${status}`).toHaveProperty('RateLimit-Policy')
    }
    expect(responses['429']?.headers).toHaveProperty('Retry-After')
    expect(responses['503']?.headers).toHaveProperty('Retry-After')
  }
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
    expect(text).toContain(`"in":"cookie","name":"${cookie}"`)
  },
)
