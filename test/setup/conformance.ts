/** Checks every response that tests receive against the OpenAPI document that the Worker serves. */
import { env as bindings } from 'cloudflare:workers'
import { expect } from 'vitest'
import * as z from 'zod'
import type { Bindings } from '../../src/context.ts'

type Schema = Record<string, unknown>
type Operation = {
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

export type OpenApi = {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

let document: Promise<OpenApi> | undefined

export async function openApi(): Promise<OpenApi> {
  const { ASSETS } = bindings as unknown as Bindings
  document ??= ASSETS.fetch('https://accounts.example.com/openapi.json').then((response) =>
    response.json(),
  )
  return document
}

/** Every operation of the document, as `get /path`. */
export const openApiRoutes = async () =>
  Object.entries((await openApi()).paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  )

const checks = new Map<string, z.ZodType>()

/** Statuses that any path may return without documenting them. */
const ANYWHERE = new Set([404, 405, 413, 500])

type Returned = { status: number; headers: Headers; body: unknown }

export async function expectDocumented(request: Request, { status, headers, body }: Returned) {
  const { pathname } = new URL(request.url)
  const { paths, components } = await openApi()
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
  const schema = response?.content?.['application/json']?.schema
  if (!schema || !headers.get('Content-Type')?.startsWith('application/json')) return
  const check = checks.get(name) ?? z.fromJSONSchema(inlined(schema, components.schemas) as never)
  checks.set(name, check)
  const verdict = check.safeParse(body)
  expect(verdict.error?.issues ?? [], `${name} breaks the OpenAPI document`).toEqual([])
}

/** The schema with its references replaced by what they refer to: zod does not resolve them. */
function inlined(schema: unknown, schemas: Record<string, Schema>): unknown {
  if (Array.isArray(schema)) return schema.map((each) => inlined(each, schemas))
  if (typeof schema !== 'object' || schema === null) return schema
  const ref = '$ref' in schema && typeof schema.$ref === 'string' ? schema.$ref : undefined
  if (ref) return inlined(schemas[ref.replace('#/components/schemas/', '')], schemas)
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, inlined(value, schemas)]),
  )
}
