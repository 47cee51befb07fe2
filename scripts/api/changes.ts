/** What has changed in the API between two of its OpenAPI documents, and whether the changelog says so. */
import type { Content, Document, Operation, Parameter, Response } from '../openapi/document.ts'
import { type Direction, schemaComparison } from './schemas.ts'

type Endpoint = Operation & {
  /** Method and path: `GET /api/v1/users/me`. */
  name: string
  /** All that it is served at. */
  urls: string[]
}

function endpointsOf({ servers: all, paths }: Document): Map<string, Endpoint> {
  const endpoints = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const urls = (operation.servers ?? all).map(({ url }) => `${url}${path}`.replace('//', '/'))
      return { ...operation, name: `${method.toUpperCase()} ${urls[0]}`, urls }
    }),
  )
  return new Map(endpoints.map((each) => [each.name, each]))
}

/** Operations that only the newer document has, as `GET /api/v1/users/me`. */
export function addedOperations(before: Document, after: Document): string[] {
  const known = endpointsOf(before)
  return [...endpointsOf(after).keys()].filter((name) => !known.has(name))
}

/** What may break clients of the older document, in a line each. docs/api-changelog.md has the rules. */
export function breakingChanges(before: Document, after: Document): string[] {
  const compare = schemaComparison(before.components.schemas, after.components.schemas)

  function compareContent(direction: Direction, old: Content, current: Content, at: string) {
    return Object.entries(old).flatMap(([type, { schema }]) => {
      const other = current[type]
      return other ? compare(direction, schema, other.schema, at) : [`${at} is no longer ${type}`]
    })
  }

  function compareParameters(old: Parameter[], current: Parameter[], at: string) {
    const find = (among: Parameter[], { name, in: where }: Parameter) =>
      among.find((each) => each.name === name && each.in === where)
    const kept = old.flatMap((parameter) => {
      const other = find(current, parameter)
      const of = `${at} ${parameter.in} ${parameter.name}`
      if (!other) return [`${of} is removed`]
      const changes = compare('input', parameter.schema, other.schema, of)
      return other.required && !parameter.required ? [`${of} is required now`, ...changes] : changes
    })
    const added = current.filter((each) => each.required && !find(old, each))
    return [...kept, ...added.map((each) => `${at} ${each.in} ${each.name} is required now`)]
  }

  function compareResponses(old: Endpoint, current: Endpoint, at: string) {
    return Object.entries(old.responses).flatMap(([status, described]) => {
      const other = current.responses[status]
      // An error that no longer happens breaks nobody.
      if (!other) return status < '400' ? [`${at} no longer returns ${status}`] : []
      const [was, is] = [responseIn(before, described), responseIn(after, other)]
      const lost = requiredHeaders(before, was).filter((name) => !is.headers?.[name])
      return [
        ...lost.map((name) => `${at} ${status} no longer has ${name}`),
        ...compareContent('output', was.content ?? {}, is.content ?? {}, `${at} ${status}`),
      ]
    })
  }

  function compareEndpoints(old: Endpoint, current: Endpoint | undefined): string[] {
    const at = old.name
    if (!current) return [`${at} is removed`]
    const { requestBody: body } = old
    const lost = old.urls.filter((url) => !current.urls.includes(url))
    return [
      ...lost.map((url) => `${at} is no longer at ${url}`),
      // Generated clients call it so.
      ...(current.operationId === old.operationId ? [] : [`${at} has another operationId`]),
      ...(isAdmitted(old, current) ? [] : [`${at} needs other credentials`]),
      ...compareParameters(old.parameters ?? [], current.parameters ?? [], at),
      ...(current.requestBody?.required && !body?.required ? [`${at} needs a body`] : []),
      ...compareContent(
        'input',
        body?.content ?? {},
        current.requestBody?.content ?? {},
        `${at} body`,
      ),
      ...compareResponses(old, current, at),
    ]
  }

  const current = endpointsOf(after)
  const changes = [...endpointsOf(before).values()].flatMap((old) =>
    compareEndpoints(old, current.get(old.name)),
  )
  return [...new Set(changes)]
}

/** Whether each way to authenticate still is enough. */
function isAdmitted({ security: old = [] }: Operation, { security: current = [] }: Operation) {
  if (current.length === 0) return true
  const ways = old.length > 0 ? old : [{}]
  return ways.every((way) =>
    current.some((accepted) => Object.keys(accepted).every((scheme) => scheme in way)),
  )
}

function responseIn({ components }: Document, response: Response) {
  const name = response.$ref?.replace('#/components/responses/', '')
  return (name !== undefined && components.responses?.[name]) || response
}

function requiredHeaders({ components }: Document, { headers = {} }: Response) {
  return Object.keys(headers).filter((name) => {
    const header = headers[name]
    const shared = header?.$ref?.replace('#/components/headers/', '')
    return (shared === undefined ? header : components.headers?.[shared])?.required
  })
}

/** The changes that the section "Unreleased" of docs/api-changelog.md does not name. */
export function withoutEntry(changes: string[], changelog: string): string[] {
  const unreleased = /^## Unreleased\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(changelog)?.[1] ?? ''
  const entries = unreleased.replaceAll(/\s+/g, ' ')
  return changes.filter((change) => !entries.includes(`\`${change}\``))
}
