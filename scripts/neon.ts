/** Neon's API, as far as previews and the doctor need it. @see https://api-docs.neon.tech */
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Values } from './variables.ts'

const API = 'https://console.neon.tech/api/v2'
const TIMEOUT_MS = 20_000

/** A branch is there in a second, its compute in a few. */
const POLL_MS = 500
const POLLS = 120

const Operations = z.object({ operations: z.array(z.object({ id: z.string() })) })
const Created = z.object({ branch: z.object({ id: z.string() }), ...Operations.shape })
const Branches = z.object({ branches: z.array(z.object({ id: z.string(), name: z.string() })) })
const Databases = z.object({
  databases: z.array(z.object({ name: z.string(), owner_name: z.string() })).min(1),
})

/** Neon did not do it. The message has neither the key nor a connection string. */
export class NeonError extends Error {
  override readonly name = 'NeonError'
}

export type NeonProject = ReturnType<typeof projectOf>

/** Undefined without NEON_API_KEY and NEON_PROJECT_ID. */
export function neonProject(values: Values): NeonProject | undefined {
  const { NEON_API_KEY: key, NEON_PROJECT_ID: id, NEON_API_URL: api = API } = values
  return key && id ? projectOf(`${api}/projects/${encodeURIComponent(id)}`, key) : undefined
}

function projectOf(url: string, key: string) {
  /** @returns undefined if there is no such thing */
  async function call<Schema extends z.ZodType>(
    schema: Schema,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<z.output<Schema> | undefined> {
    const response = await fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => undefined)
    if (response?.status === 404) return undefined
    const result = schema.safeParse(await response?.json().catch(() => undefined))
    if (response?.ok && result.success) return result.data
    throw new NeonError(`Neon responds to ${method} ${path || '/'} with ${problemOf(response)}`)
  }

  async function finished({ operations }: z.output<typeof Operations>): Promise<void> {
    const State = z.object({ operation: z.object({ status: z.string() }) })
    for (const { id } of operations) {
      for (let polls = 0; ; polls++) {
        const status = (await call(State, 'GET', `/operations/${id}`))?.operation.status
        if (status === 'finished' || status === 'skipped') break
        if (polls === POLLS || status === 'error' || status === 'cancelled') {
          throw new NeonError(`Neon's operation ${id} is ${status ?? 'unknown'}`)
        }
        await sleep(POLL_MS)
      }
    }
  }

  async function findBranch(name: string): Promise<string | undefined> {
    const found = await call(Branches, 'GET', `/branches?search=${encodeURIComponent(name)}`)
    return found?.branches.find((branch) => branch.name === name)?.id
  }

  async function createBranch(name: string): Promise<string> {
    const created = await call(Created, 'POST', '/branches', {
      branch: { name },
      endpoints: [{ type: 'read_write' }],
    })
    if (!created) throw new NeonError('Neon does not know the project NEON_PROJECT_ID')
    await finished(created)
    return created.branch.id
  }

  return {
    /** The connection string, direct, of a branch of the default branch, made unless it exists. */
    async openBranch(name: string): Promise<string> {
      const id = (await findBranch(name)) ?? (await createBranch(name))
      const databases = await call(Databases, 'GET', `/branches/${id}/databases`)
      const [database] = databases?.databases ?? []
      const query = new URLSearchParams({
        branch_id: id,
        database_name: database?.name ?? '',
        role_name: database?.owner_name ?? '',
      })
      const connection = await call(z.object({ uri: z.url() }), 'GET', `/connection_uri?${query}`)
      if (!connection) throw new NeonError(`Neon has no connection string for the branch ${name}`)
      return connection.uri
    },

    /** @returns false if there was none */
    async deleteBranch(name: string): Promise<boolean> {
      const id = await findBranch(name)
      if (id === undefined) return false
      return (await call(z.unknown(), 'DELETE', `/branches/${id}`)) !== undefined
    },

    async historySeconds(): Promise<number> {
      const Project = z.object({ project: z.object({ history_retention_seconds: z.number() }) })
      const found = await call(Project, 'GET', '')
      if (!found) throw new NeonError('Neon does not know the project NEON_PROJECT_ID')
      return found.project.history_retention_seconds
    },
  }
}

function problemOf(response: Response | undefined): string {
  if (!response) return 'nothing'
  return response.status === 401 ? 'HTTP 401: check NEON_API_KEY' : `HTTP ${response.status}`
}
