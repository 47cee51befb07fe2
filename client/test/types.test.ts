/** What compiles, and what does not: `npm run types` checks these as well. */
import { expect, expectTypeOf, test } from 'vitest'
import {
  type AccessToken,
  type Account,
  ApiError,
  createClient,
  type SessionRead,
  type UserList,
  type UserRead,
} from '../src/index.ts'

const accounts = createClient({ url: 'https://accounts.example.com' })

type User = {
  id: number
  username: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  created_at: string
  updated_at: string
}

test('results have the types of the document', () => {
  expectTypeOf<UserRead>().toEqualTypeOf<User>()
  expectTypeOf(accounts.getCurrentUser).returns.resolves.toEqualTypeOf<User>()
  expectTypeOf(accounts.listUsers).returns.resolves.toEqualTypeOf<UserList>()
  expectTypeOf<UserList['items']>().toEqualTypeOf<User[]>()
  expectTypeOf(accounts.listUserSessions).returns.resolves.toEqualTypeOf<SessionRead[]>()
  expectTypeOf(accounts.endUserSession).returns.resolves.toEqualTypeOf<void>()
})

test('signing in and refreshing return no refresh token', () => {
  expectTypeOf(accounts.loginUser).returns.resolves.toEqualTypeOf<AccessToken>()
  expectTypeOf(accounts.refreshAdminTokens).returns.resolves.toEqualTypeOf<AccessToken>()
  expectTypeOf<keyof AccessToken>().toEqualTypeOf<'access_token' | 'token_type' | 'expires_in'>()
})

test('inputs are one object, with undefined for what is optional', () => {
  type Input<Name extends 'listUsers' | 'updateUser' | 'getCurrentUser'> = Parameters<
    (typeof accounts)[Name]
  >[0]
  expectTypeOf<{ search: undefined; page: 2; sort: '-email' }>().toExtend<Input<'listUsers'>>()
  expectTypeOf<undefined>().toExtend<Input<'listUsers'>>()
  expectTypeOf<{ id: 7; is_active: false }>().toExtend<Input<'updateUser'>>()
  expectTypeOf<Record<never, never>>().toExtend<Input<'getCurrentUser'>>()

  expectTypeOf<{ sort: 'password' }>().not.toExtend<Input<'listUsers'>>()
  expectTypeOf<{ is_active: false }>().not.toExtend<Input<'updateUser'>>()
  // @ts-expect-error there is no such operation
  expect(accounts.getUsers).toBeUndefined()
})

test('options may be undefined, as configuration often is', () => {
  type Options = Parameters<typeof createClient>[0]
  const options = { url: '', tokens: undefined, timeout: undefined, fetch: undefined }
  expectTypeOf(options).toExtend<Options>()
})

test('an error has a name of the document, or one of the client', () => {
  const { error } = new ApiError({ status: 0, error: 'NetworkError', message: 'offline' })
  expectTypeOf<'DuplicateRecordError' | 'RateLimitError'>().toExtend<typeof error>()
  expectTypeOf<'DuplicateError'>().not.toExtend<typeof error>()
  expect(error).toBe('NetworkError')
})

test('a session has what useSyncExternalStore takes', () => {
  type UseSyncExternalStore = <Snapshot>(
    subscribe: (onStoreChange: () => void) => () => void,
    getSnapshot: () => Snapshot,
  ) => Snapshot
  const { subscribe, current } = accounts.user
  expectTypeOf([subscribe, current] as const).toExtend<Readonly<Parameters<UseSyncExternalStore>>>()
  expectTypeOf(current).returns.toEqualTypeOf<Account | null>()
})
