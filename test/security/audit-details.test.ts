import { expect, test } from 'vitest'
import { newAdmin, newcomer, newUser } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'

const superadmin = await newAdmin({ superadmin: true })
const client = visitor({ token: superadmin.access_token })

/** The details of the events of a request. None: there was no event. */
const detailsOf = async ({ headers }: { headers: Headers }, url?: string) => {
  const events = await sql<{ details: unknown }>(
    'select details from audit_events where request_id = $1',
    [headers.get('X-Request-ID')],
    url,
  )
  return events.map(({ details }) => details)
}

test('Audit trail (ASVS 16.2.1): a change of rights and state says from what to what, of a name only that it changed', async () => {
  const path = `/api/admins/users/${(await newUser()).id}`
  const steps: [body: object, details: object[]][] = [
    [{ is_superuser: true }, [{ is_superuser: { from: false, to: true } }]],
    [{ full_name: 'Ada Lovelace' }, [{ full_name: 'changed' }]],
    [{ is_superuser: true, full_name: 'Ada Lovelace', is_active: true }, []],
    [{}, []],
    [
      { is_superuser: false, full_name: null, is_active: false },
      [
        {
          is_superuser: { from: true, to: false },
          full_name: 'changed',
          is_active: { from: true, to: false },
        },
      ],
    ],
    [{ is_active: true, full_name: null }, [{ is_active: { from: false, to: true } }]],
  ]
  for (const [body, details] of steps) {
    const response = await client.patch(path, body)
    expect(response.status).toBe(200)
    expect(await detailsOf(response), JSON.stringify(body)).toEqual(details)
  }
})

test('Audit trail: restoring a user that is not deleted and deleting a deleted one are no events', async () => {
  const path = `/api/admins/users/${(await newUser()).id}`
  expect(await detailsOf(await client.post(`${path}/restore`))).toEqual([])
  expect(await detailsOf(await client.delete(path))).toEqual([null])
  expect(await detailsOf(await client.delete(path))).toEqual([])
  expect(await detailsOf(await client.post(`${path}/restore`))).toEqual([null])
})

test('Audit trail (ASVS 16.3.2): of parallel requests that set the same value, one is an event', async () => {
  const { id } = await newUser()
  const path = `/api/admins/users/${id}`
  const responses = await Promise.all(
    Array.from({ length: 20 }, () =>
      visitor({ token: superadmin.access_token }).patch(path, { is_superuser: true }),
    ),
  )
  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const details = (await Promise.all(responses.map((each) => detailsOf(each)))).flat()
  expect(details).toEqual([{ is_superuser: { from: false, to: true } }])
})

test('Audit trail (ASVS 16.2.1): registering an admin says whether it is a superadmin, and which one was the first', async () => {
  const url = await emptyDatabase()
  const env = environment({ DATABASE_URL: url })
  const first = newcomer()
  const headers = { 'X-Bootstrap-Token': `${env.ADMIN_BOOTSTRAP_TOKEN}` }
  const bootstrap = await visitor({ env }).post('/api/admins/register', first, { headers })
  expect(await detailsOf(bootstrap, url)).toEqual([{ is_superadmin: true, bootstrap: true }])
  for (const is_superadmin of [true, false]) {
    const body = { ...newcomer(), is_superadmin }
    const registered = await client.post('/api/admins/register', body)
    expect(registered.body).toMatchObject({ is_superadmin })
    expect(await detailsOf(registered)).toEqual([{ is_superadmin }])
  }
})
