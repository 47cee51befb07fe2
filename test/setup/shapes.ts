/** The bodies of the contract. `toEqual` rejects additional and missing keys. */
import { expect } from 'vitest'
import { type ApiResponse, expectError } from './api.ts'

/** A time as clients parse it: ISO 8601, in UTC. */
export const MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const account = {
  id: expect.any(Number),
  username: expect.any(String),
  email: expect.any(String),
  full_name: null,
  is_active: true,
  created_at: MOMENT,
  updated_at: MOMENT,
}

export const userRead = (known: Record<string, unknown> = {}) => ({
  ...account,
  is_superuser: false,
  ...known,
})

export const adminRead = (known: Record<string, unknown> = {}) => ({
  ...account,
  is_superadmin: false,
  ...known,
})

export const TOKEN_PAIR = {
  access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  refresh_token: expect.any(String),
  token_type: 'bearer',
  expires_in: 900,
}

/** 422 with one error or more for each of these fields, and no others. */
export function expectInvalid(response: ApiResponse<any>, ...fields: string[]) {
  expectError(response, 422, 'ValidationError', 'Request validation failed')
  const { errors } = response.body.details
  expect([...new Set(errors.map(({ field }: { field: string }) => field))]).toEqual(fields)
  for (const error of errors) {
    expect(error).toEqual({
      field: error.field,
      message: expect.any(String),
      type: expect.any(String),
    })
  }
}

/** 401 with the challenge of RFC 6750; the default message is that of an invalid token. */
export function expectUnauthenticated(
  response: ApiResponse<any>,
  message = 'Could not validate credentials',
) {
  expectError(response, 401, 'AuthenticationError', message)
  expect(response.headers.get('WWW-Authenticate')).toBe('Bearer')
}

/** This status and exactly this body. */
export const expectResponse = (
  { status, body }: ApiResponse<any>,
  expectedStatus: number,
  expectedBody: unknown,
) => expect({ status, body }).toEqual({ status: expectedStatus, body: expectedBody })

/** 409: another account has this username or email. */
export function expectDuplicate(
  response: ApiResponse<any>,
  resource: 'User' | 'Admin',
  field: string,
) {
  const message = `${resource} with this ${field} already exists`
  expectError(response, 409, 'DuplicateRecordError', message)
  expect(response.body.details).toEqual({ resource, field })
}
