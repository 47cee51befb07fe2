// A program on the client that @hey-api/openapi-ts generates. `npm run check:openapi` compiles it.
import { createClient } from '../../dist/clients/hey-api/client/index.ts'
import { getCurrentUser, loginUser, updateCurrentUser } from '../../dist/clients/hey-api/index.ts'

export async function rename(baseUrl: string, password: string, name: string): Promise<string> {
  const client = createClient({ baseUrl })
  const { data: tokens, error } = await loginUser({
    client,
    body: { username: 'ada.lovelace', password },
  })
  if (!tokens) throw new Error(error?.message)

  const auth = tokens.access_token
  const me = await getCurrentUser({ client, auth, throwOnError: true })
  const updated = await updateCurrentUser({ client, auth, body: { full_name: name } })
  if (updated.error) throw new Error(updated.error.message)
  return `${me.data.full_name} is ${updated.data.full_name} since ${updated.data.updated_at}`
}
