// A program on the types that openapi-typescript generates. `npm run check:openapi` compiles it.
import createClient from 'openapi-fetch'
import type { components, paths } from '../../dist/clients/openapi-typescript/schema.ts'

export async function usernamesOf(baseUrl: string, password: string): Promise<string[]> {
  const client = createClient<paths>({ baseUrl })
  const body: components['schemas']['LoginRequest'] = { username: 'grace.hopper', password }
  const login = await client.POST('/admins/login', { body })
  if (login.error) throw new Error(`${login.error.error}: ${login.error.message}`)

  const Authorization = `Bearer ${login.data.access_token}`
  const { data, error } = await client.GET('/admins/users', {
    headers: { Authorization },
    params: { query: { page_size: 100, sort: '-created_at' } },
  })
  if (error) throw new Error(error.request_id)
  return data.items.map(({ username }) => username)
}
