import { expect, test } from 'vitest'
import { breakingChanges } from '../../scripts/api/changes.ts'
import type { Document } from '../../scripts/openapi/document.ts'
import {
  changed,
  LIST,
  operation,
  parameter,
  released,
  schema,
  setField,
} from './changed-document.ts'

test.each<[line: string, change: (document: Document) => void]>([
  ['GET /api/v1/users/me/export is removed', ({ paths }) => delete paths['/users/me/export']],
  ['PUT /api/v1/users/me is removed', ({ paths }) => delete paths['/users/me']?.['put']],
  ['GET /health is removed', ({ paths }) => delete paths['/health']],
  ['GET /api/v1/users/me is no longer at /api/users/me', ({ servers }) => servers.splice(1)],
  [
    'GET /api/v1/users/me has another operationId',
    (document) => {
      operation(document, 'GET /users/me').operationId = 'getMe'
    },
  ],
  [
    'POST /api/v1/users/register needs other credentials',
    (document) => {
      operation(document, 'POST /users/register').security = [{ bearerAuth: [] }]
    },
  ],
  [
    'GET /api/v1/users/me needs other credentials',
    (document) => {
      operation(document, 'GET /users/me').security = [{ bearerAuth: [], bootstrapToken: [] }]
    },
  ],
  [
    'GET /api/v1/admins/users query search is removed',
    (document) => {
      const { parameters = [] } = operation(document, LIST)
      parameters.splice(parameters.indexOf(parameter(document, LIST, 'search')), 1)
    },
  ],
  [
    'GET /api/v1/admins/users query search is required now',
    (document) => {
      parameter(document, LIST, 'search').required = true
    },
  ],
  [
    'GET /api/v1/admins/users query tenant is required now',
    (document) => {
      const tenant = { name: 'tenant', in: 'query', required: true, schema: {} }
      operation(document, LIST).parameters?.push(tenant)
    },
  ],
  [
    'GET /api/v1/admins/users query page_size has another maximum now: 50',
    (document) => {
      parameter(document, LIST, 'page_size').schema.maximum = 50
    },
  ],
  [
    'GET /api/v1/admins/users query page_size has another default now: 20',
    (document) => {
      parameter(document, LIST, 'page_size').schema.default = 20
    },
  ],
  [
    'GET /api/v1/admins/users query sort no longer accepts "-email"',
    (document) => parameter(document, LIST, 'sort').schema.enum?.pop(),
  ],
  [
    'POST /api/v1/admins/users/{id}/restore needs a body',
    (document) => {
      operation(document, 'POST /admins/users/{id}/restore').requestBody = {
        required: true,
        content: {},
      }
    },
  ],
  [
    'POST /api/v1/users/login body is no longer application/json',
    (document) => {
      operation(document, 'POST /users/login').requestBody = {
        content: { 'text/plain': { schema: {} } },
      }
    },
  ],
  [
    'GET /api/v1/users/me 200 is no longer application/json',
    (document) => {
      operation(document, 'GET /users/me').responses['200'] = {
        ...operation(document, 'GET /users/me').responses['200'],
        content: { 'application/cbor': { schema: {} } },
      }
    },
  ],
  [
    'POST /api/v1/users/register no longer returns 201',
    (document) => delete operation(document, 'POST /users/register').responses['201'],
  ],
  [
    'GET /api/v1/users/me 200 no longer has X-Request-ID',
    (document) => {
      delete operation(document, 'GET /users/me').responses['200']?.headers?.['X-Request-ID']
    },
  ],
  ['UserRead.full_name is removed', (document) => setField(document, 'UserRead', 'full_name')],
  [
    'UserRead.full_name may be absent now',
    (document) => schema(document, 'UserRead').required?.splice(3, 1),
  ],
  [
    'UserRead.id may be string now',
    (document) => setField(document, 'UserRead', 'id', { type: 'string' }),
  ],
  [
    'UserRead.username may be null now',
    (document) => setField(document, 'UserRead', 'username', { type: ['string', 'null'] }),
  ],
  [
    'UserRead.username may be any value now',
    (document) => setField(document, 'UserRead', 'username', {}),
  ],
  [
    'UserRead.created_at has another format now: date',
    (document) => setField(document, 'UserRead', 'created_at', { type: 'string', format: 'date' }),
  ],
  [
    'AuditEvent.actor_id may be string now',
    (document) =>
      setField(document, 'AuditEvent', 'actor_id', {
        anyOf: [{ type: 'string' }, { type: 'null' }],
      }),
  ],
  [
    'TokenPair.token_type is no longer "bearer"',
    (document) => setField(document, 'TokenPair', 'token_type', { type: 'string', const: 'dpop' }),
  ],
  ['UserList.items is removed', (document) => setField(document, 'UserList', 'items')],
  [
    'UserList.items[] may be string now',
    (document) =>
      setField(document, 'UserList', 'items', { type: 'array', items: { type: 'string' } }),
  ],
  [
    'RegisterUserRequest.full_name is required now',
    (document) => schema(document, 'RegisterUserRequest').required?.push('full_name'),
  ],
  [
    'RegisterUserRequest.full_name is removed',
    (document) => setField(document, 'RegisterUserRequest', 'full_name'),
  ],
  [
    'RegisterUserRequest.full_name no longer accepts null',
    (document) => setField(document, 'RegisterUserRequest', 'full_name', { type: 'string' }),
  ],
  [
    'RegisterUserRequest.password no longer accepts string',
    (document) => setField(document, 'RegisterUserRequest', 'password', { type: 'integer' }),
  ],
  [
    'RegisterUserRequest.username has another maxLength now: 20',
    (document) =>
      setField(document, 'RegisterUserRequest', 'username', { type: 'string', maxLength: 20 }),
  ],
  [
    'RegisterUserRequest.email has another pattern now: ^.+$',
    (document) =>
      setField(document, 'RegisterUserRequest', 'email', { type: 'string', pattern: '^.+$' }),
  ],
  [
    'LoginRequest.username only accepts "ada" now',
    (document) => setField(document, 'LoginRequest', 'username', { type: 'string', enum: ['ada'] }),
  ],
  [
    'LoginRequest rejects unknown fields now',
    (document) => {
      schema(document, 'LoginRequest').additionalProperties = false
    },
  ],
])('it is breaking that %s', (line, change) => {
  expect(breakingChanges(released, changed(change))).toContain(line)
})
