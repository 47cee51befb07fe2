// `npm run generate:client`: writes what the typed client knows of the API, from the OpenAPI document.
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { comment, nameOf, typeOf } from './client/types.ts'
import { runCommand } from './command-line.ts'
import type { Content, Document, Operation, Parameter, Schema } from './openapi/document.ts'
import { buildOpenApi } from './openapi.ts'

const ROOT = join(import.meta.dirname, '..')

export const TARGET = join(ROOT, 'client/src/api.ts')

type Endpoint = Operation & {
  method: string
  path: string
  /** Of the path and the query. */
  parameters: Parameter[]
  body?: Schema
  result?: Schema
}

/** @returns the source of `client/src/api.ts` */
export function generateClientApi(document = buildOpenApi()): string {
  const endpoints = endpointsOf(document)
  const { schemas } = document.components
  const inputs = reachable(
    endpoints.flatMap(({ body }) => body ?? []),
    schemas,
  )
  const outputs = reachable(
    endpoints.flatMap(({ result }) => result ?? []),
    schemas,
  )
  const types = Object.entries(schemas)
    .filter(([name]) => inputs.has(name) || outputs.has(name))
    .map(([name, schema]) => {
      const type = typeOf(schema, inputs.has(name) ? ' | undefined' : '')
      return `${comment(schema.description)}export type ${name} = ${type}\n`
    })
  const errorNames = schemas['ApiError']?.properties?.['error'] ?? {}
  return format(
    [
      '// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.\n',
      "import type { AccessToken, CallOptions, NoInput } from './types.ts'\n",
      ...types,
      `/** \`error\` in the body of a response with status >= 400. */\nexport type ErrorName = ${typeOf(errorNames, '')}\n`,
      `/** Every operation of the API under its \`operationId\`. */\nexport type Api = {\n${endpoints.map(methodOf).join('\n')}}\n`,
      `/** The paths of \`OPERATIONS\` are below it. */\nexport const API_BASE = '${document.servers[0].url}'\n`,
      `/**
 * Method, path, and: \`json\` for input in a body instead of the query, \`bearer\` for an access token,
 * \`login\`, \`refresh\`, \`logout\` and \`ends\` for what happens to the tokens.
 */
export const OPERATIONS: Readonly<Record<keyof Api, string>> = {\n${endpoints.map(rowOf).join('')}}\n`,
    ].join('\n'),
  )
}

const endpointsOf = ({ paths }: Document): Endpoint[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { servers }]) => !servers)
      .map(([method, operation]) => {
        const success = Object.entries(operation.responses).find(([status]) => status < '300')?.[1]
        const body = schemaOf(operation.requestBody)
        const result = schemaOf(success)
        const query = operation.parameters?.some((parameter) => parameter.in === 'query')
        if (body && query) throw new Error(`${operation.operationId} has a query and a body`)
        return {
          ...operation,
          // Headers are the client's own.
          parameters: (operation.parameters ?? []).filter((each) => each.in !== 'header'),
          method: method.toUpperCase(),
          path,
          ...(body && { body }),
          ...(result && { result }),
        }
      }),
  )

const schemaOf = (body?: { content?: Content }) => body?.content?.['application/json']?.schema

/** The names of the components that these schemas refer to, directly or not. */
function reachable(roots: Schema[], schemas: Record<string, Schema>, found = new Set<string>()) {
  for (const [, name = ''] of JSON.stringify(roots).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    if (found.has(name)) continue
    found.add(name)
    reachable([schemas[name] ?? {}], schemas, found)
  }
  return found
}

const returnsTokens = ({ result }: Endpoint) => nameOf(result?.$ref ?? '') === 'TokenPair'
const takesRefreshToken = ({ path }: Endpoint) => /\/(refresh|logout)$/.test(path)

function methodOf(endpoint: Endpoint): string {
  const { operationId, summary, description, result } = endpoint
  const output = returnsTokens(endpoint) ? 'AccessToken' : result ? typeOf(result, '') : 'void'
  return `${comment(summary, description)}${operationId}(${inputOf(endpoint)}, options?: CallOptions): Promise<${output}>\n`
}

/** Path parameters, query and body as one argument. */
function inputOf(endpoint: Endpoint): string {
  const { parameters, body } = endpoint
  if (takesRefreshToken(endpoint)) return 'input?: NoInput'
  const flat: Schema = {
    type: 'object',
    properties: Object.fromEntries(
      parameters.map(({ name, schema, description }) => [
        name,
        { ...schema, ...(description && { description }) },
      ]),
    ),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  }
  const parts = [
    ...(parameters.length ? [typeOf(flat, ' | undefined')] : []),
    ...(body ? [typeOf(body, ' | undefined')] : []),
  ]
  if (parts.length === 0) return 'input?: NoInput'
  return `input${body || flat.required?.length ? '' : '?'}: ${parts.join(' & ')}`
}

function rowOf(endpoint: Endpoint): string {
  const { operationId, method, path, body, security } = endpoint
  const isLogin = returnsTokens(endpoint) && !takesRefreshToken(endpoint)
  const words = [
    method,
    path,
    body && !takesRefreshToken(endpoint) && 'json',
    security?.some(({ bearerAuth }) => bearerAuth) && 'bearer',
    isLogin && 'login',
    takesRefreshToken(endpoint) && path.slice(path.lastIndexOf('/') + 1),
    method === 'DELETE' && path.endsWith('/me') && 'ends',
  ]
  return `${operationId}: '${words.filter(Boolean).join(' ')}',\n`
}

const format = (source: string) =>
  execFileSync(join(ROOT, 'node_modules/.bin/biome'), ['format', `--stdin-file-path=${TARGET}`], {
    input: source,
    encoding: 'utf8',
  })

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run generate:client',
      about:
        'Writes client/src/api.ts, what the typed client knows of the API: types and operations.',
    },
    async () => {
      await writeFile(TARGET, generateClientApi())
      console.log(`Written to ${TARGET}`)
    },
  )
}
