/** Checks every response that tests receive against the OpenAPI document that the Worker serves. */
import { env as bindings } from 'cloudflare:workers'
import { expect } from 'vitest'
import * as z from 'zod'
import type { Bindings } from '../../src/context.ts'

type Schema = Record<string, unknown>
type Media = Record<
  string,
  { schema: Schema; example?: unknown; examples?: Record<string, Example> }
>
type Example = { value: unknown }
type Response = {
  description: string
  headers?: Record<string, { required?: boolean }>
  content?: Media
}
type Operation = {
  servers?: { url: string }[]
  operationId: string
  summary: string
  tags: string[]
  requestBody?: { content: Media }
  responses: Record<string, Response>
}

export type OpenApi = {
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

/** The document as it is served. */
export async function servedDocument(): Promise<string> {
  const { ASSETS } = bindings as unknown as Bindings
  return (await ASSETS.fetch('https://accounts.example.com/openapi.json')).text()
}

let document: Promise<OpenApi> | undefined

/** The document with its references replaced by what they refer to, and whole paths, without the version. */
export async function openApi(): Promise<OpenApi> {
  document ??= servedDocument().then((text) => {
    const served = JSON.parse(text)
    const whole = resolved(served, served) as OpenApi
    const paths = Object.entries(whole.paths).map(([path, operations]) => {
      const [{ servers = whole.servers } = {}] = Object.values(operations)
      return [unversioned(`${servers[0]?.url}${path}`.replace(/^\/\//, '/')), operations]
    })
    return { ...whole, paths: Object.fromEntries(paths) }
  })
  return document
}

const unversioned = (path: string) => path.replace(/^\/api\/v1\//, '/api/')

/** Every operation of the document, as `get /path`. */
export const openApiRoutes = async () =>
  Object.entries((await openApi()).paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  )

const checks = new Map<string, z.ZodType>()

/** Statuses that any path may return without documenting them. */
const ANYWHERE = new Set([404, 405, 413, 500])

type Returned = { status: number; headers: Headers; body: unknown }

/** Headers that say something of this response; those of every response are not in the document. */
const TELLING = ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'WWW-Authenticate']

export async function expectDocumented(request: Request, { status, headers, body }: Returned) {
  const pathname = unversioned(new URL(request.url).pathname)
  expect(headers.get('API-Version'), pathname).toBe(pathname.startsWith('/api/') ? '1' : null)
  const { paths } = await openApi()
  const template = Object.keys(paths).find((path) =>
    new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  )
  const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase()
  const operation = template ? paths[template]?.[method] : undefined
  const response = operation?.responses[status]
  if (!operation || request.method === 'HEAD') return
  if (!response && (ANYWHERE.has(status) || status === 304)) return
  const name = `${request.method} ${template} ${status}`
  expect(response, `${name} is not in the OpenAPI document`).toBeDefined()
  if (response) expectDocumentedHeaders(name, response, headers)
  const schema = response?.content?.['application/json']?.schema
  if (!schema || !headers.get('Content-Type')?.startsWith('application/json')) return
  const check = checks.get(name) ?? checkOf(closed(schema))
  checks.set(name, check)
  const verdict = check.safeParse(body)
  expect(verdict.error?.issues ?? [], `${name} breaks the OpenAPI document`).toEqual([])
}

function expectDocumentedHeaders(name: string, { headers = {} }: Response, returned: Headers) {
  const missing = Object.keys(headers).filter(
    (header) => headers[header]?.required && !returned.has(header),
  )
  const undocumented = TELLING.filter((header) => returned.has(header) && !headers[header])
  expect({ missing, undocumented }, `${name} breaks the OpenAPI document`).toEqual({
    missing: [],
    undocumented: [],
  })
}

export const checkOf = (schema: unknown): z.ZodType => z.fromJSONSchema(schema as never)

/** The value with its references replaced by what they refer to: zod does not resolve them. */
function resolved(value: unknown, document: unknown): unknown {
  return mapObjects(value, (each) => {
    if (typeof each['$ref'] !== 'string') return undefined
    const found = each['$ref']
      .slice('#/'.length)
      .split('/')
      .reduce<unknown>((inside, key) => (inside as Schema | undefined)?.[key], document)
    if (found === undefined) throw new Error(`${each['$ref']} is not in the document`)
    return resolved(found, document)
  })
}

/** Clients must expect new fields, but here one that is not documented is a mistake. */
const closed = (schema: unknown): unknown =>
  mapObjects(schema, (each) => {
    const { properties, additionalProperties } = each
    if (!properties || additionalProperties !== undefined) return undefined
    return closed({ ...each, additionalProperties: false })
  })

/** Replaces objects by what `replace` returns for them, if anything; else what is in them. */
function mapObjects(value: unknown, replace: (object: Schema) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapObjects(each, replace))
  if (typeof value !== 'object' || value === null) return value
  const replaced = replace(value as Schema)
  if (replaced !== undefined) return replaced
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, mapObjects(each, replace)]),
  )
}
