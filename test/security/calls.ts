/** Requests that many tests make, each from an address of its own unless the test passes a client. */
import { type Visitor, visitor } from '../setup/api.ts'

export type AccountType = 'users' | 'admins'

type Options = { type?: AccountType; client?: Visitor }

export const NEW_PASSWORD = 'another long password'

export const login = (
  username: unknown,
  password: unknown,
  { type = 'users', client = visitor() }: Options = {},
) => client.post(`/api/${type}/login`, { username, password })

export const refresh = (
  refresh_token: unknown,
  { type = 'users', client = visitor() }: Options = {},
) => client.post(`/api/${type}/refresh`, { refresh_token })

export const getMe = (token: string, { type = 'users', client = visitor() }: Options = {}) =>
  client.get(`/api/${type}/me`, { token })

export const changePassword = (
  token: string,
  current_password: string,
  new_password: string = NEW_PASSWORD,
  { type = 'users', client = visitor() }: Options = {},
) => client.post(`/api/${type}/change-password`, { current_password, new_password }, { token })

const RESETS = { users: '/api/password', admins: '/api/admins' }

export const resetPassword = (
  token: unknown,
  new_password: unknown = NEW_PASSWORD,
  { type = 'users', client = visitor() }: Options = {},
) => client.post(`${RESETS[type]}/reset-password`, { token, new_password })

export const checkReset = (token: unknown, { type = 'users', client = visitor() }: Options = {}) =>
  client.post(`${RESETS[type]}/reset-password/check`, { token })

export const forgotPassword = (
  email: string,
  { type = 'users', client = visitor() }: Options = {},
) => client.post(`${RESETS[type]}/forgot-password`, { email })
