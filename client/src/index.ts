export type * from './api.ts'
export { createClient } from './client.ts'
export { ApiError, type FieldError } from './error.ts'
export type {
  AccessToken,
  Account,
  CallOptions,
  Client,
  ClientOptions,
  NoInput,
  Session,
  TokenPlace,
} from './types.ts'
