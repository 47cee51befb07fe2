import { afterAll, describe, expect, test } from 'vitest'
import { addedOperations, breakingChanges, withoutEntry } from '../../scripts/api/changes.ts'
import { readChangelog } from '../../scripts/api.ts'
import type { Document } from '../../scripts/openapi/document.ts'
import { buildOpenApi } from '../../scripts/openapi.ts'
import { app } from '../../src/app.ts'
import { contract } from '../../src/openapi.ts'
import {
  changed,
  LIST,
  operation,
  parameter,
  released,
  schema,
  setField,
} from './changed-document.ts'

const changelog = await readChangelog()

test('every breaking change and every added operation since the last release has an entry in docs/api-changelog.md', () => {
  const current = buildOpenApi()
  const changes = [...breakingChanges(released, current), ...addedOperations(released, current)]
  expect(withoutEntry(changes, changelog)).toEqual([])
})

test.each<[what: string, change: (document: Document) => void]>([
  ['nothing has changed', () => {}],
  [
    'an operation is added',
    ({ paths }) => {
      paths['/users/me/export2'] = { get: { operationId: 'x', responses: {} } }
    },
  ],
  [
    'an optional parameter is added',
    (document) =>
      operation(document, LIST).parameters?.push({ name: 'q', in: 'query', schema: {} }),
  ],
  [
    'a request has another optional field, and a response another field',
    (document) => {
      setField(document, 'LoginRequest', 'captcha_token', { type: 'string' })
      setField(document, 'UserRead', 'email_verified', { type: 'boolean' })
      schema(document, 'UserRead').required?.push('email_verified')
    },
  ],
  [
    'an error has a new name, and a new status',
    (document) => {
      schema(document, 'ApiError').properties?.['error']?.enum?.push('MfaRequiredError')
      operation(document, LIST).responses['418'] = {}
    },
  ],
  [
    'an error no longer happens',
    (document) => delete operation(document, 'POST /users/register').responses['409'],
  ],
  [
    'a parameter accepts more',
    (document) => {
      parameter(document, LIST, 'page_size').schema.maximum = 200
      parameter(document, LIST, 'sort').schema.enum?.push('id')
    },
  ],
  [
    'a field of a request is no longer required, and may be null',
    (document) => {
      setField(document, 'RegisterUserRequest', 'username', { type: ['string', 'null'] })
      schema(document, 'RegisterUserRequest').required = []
    },
  ],
  [
    'a field of a response is no longer null',
    (document) => setField(document, 'UserRead', 'full_name', { type: 'string' }),
  ],
  [
    'other credentials are accepted too, or none is needed',
    (document) => {
      operation(document, LIST).security?.push({ bootstrapToken: [] })
      operation(document, 'GET /users/me').security = []
    },
  ],
  [
    'an operation is deprecated, and described in other words',
    (document) =>
      Object.assign(operation(document, LIST), { deprecated: true, summary: 'x', tags: ['x'] }),
  ],
])('it breaks nobody that %s', (_, change) => {
  expect(breakingChanges(released, changed(change))).toEqual([])
})

test('an added operation needs an entry too', () => {
  const document = changed(({ paths }) => {
    paths['/users/me/photo'] = { get: { operationId: 'x', responses: {} } }
  })
  const added = addedOperations(released, document)
  expect(added).toEqual(['GET /api/v1/users/me/photo'])
  expect(withoutEntry(added, changelog)).toEqual(added)
})

test('an entry is the line in backquotes, under Unreleased and nowhere else', () => {
  const changes = ['UserRead.full_name is removed']
  const entry = '- `UserRead.full_name\n  is removed`: use `name`'
  const log = (unreleased: string, older = '') =>
    `# API\n\n## Unreleased\n\n${unreleased}\n\n## 1.0.0\n\n${older}\n`
  expect(withoutEntry(changes, log(entry))).toEqual([])
  expect(withoutEntry(changes, `## Unreleased\n${entry}\n`)).toEqual([])
  expect(withoutEntry(changes, log('', entry))).toEqual(changes)
  expect(withoutEntry(changes, log('UserRead.full_name is removed'))).toEqual(changes)
  expect(withoutEntry(changes, '')).toEqual(changes)
})

describe('a deprecated operation', () => {
  const routes = app.routes.length
  afterAll(() => app.routes.splice(routes))

  const deprecate = (sunset: string) =>
    app.get(
      '/api/deprecated',
      contract({
        operationId: 'doAsBefore',
        summary: 'Do it as before',
        description: 'It does it.',
        deprecated: { since: '2026-12-01', sunset, link: 'https://accounts.example.com/changes' },
        responses: { 204: { description: 'Done' } },
      }),
    )

  test('is marked in the OpenAPI document, with its sunset and where to read on', () => {
    deprecate('2027-06-30')
    expect(buildOpenApi().paths['/deprecated']?.['get']).toMatchObject({
      deprecated: true,
      'x-sunset': '2027-06-30',
      description:
        'It does it.\n\n**Deprecated** since 2026-12-01, may be gone from 2027-06-30: [what to use instead](https://accounts.example.com/changes).',
    })
  })

  test('stays for at least six months, else no document is built', () => {
    app.routes.splice(routes)
    deprecate('2027-05-01')
    expect(buildOpenApi).toThrow('doAsBefore is deprecated for less than 180 days')
  })
})
