/** A step in the life of an account, and what it is taken with. */
import type { Model, User } from './account-model.ts'

// `any`: the body is what steps are about.
export type Response = { status: number; body: any }

/** The model after the step, or undefined if the response does not follow from the model before it. */
type Explain = (model: Model, response: Response) => Model | undefined

type Name = { username: string; email: string }

export type World = {
  call(method: string, path: string, body?: unknown, token?: string): Promise<Response>
  /** The body is the rows. */
  sql(statement: string, parameters: unknown[]): Promise<Response>
  /** Has the mail queue consumed, and returns the token of the link that it sends, if any. */
  deliverResets(): Promise<string>
  /** That token once more. */
  lastReset(): string
  runCron(): Promise<Response>
  admin: string
  names: readonly [Name, ...Name[]]
  /** The email of another account. */
  taken: string
  passwords: readonly string[]
}

export type Step = (model: Model, world: World) => { act(): Promise<Response>; explain: Explain }

/** One of the items, if there is any. */
export const pick = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items[index % items.length]

/** The model after a response that has to have this status. */
export const after = (response: Response, status: number, model: Model): Model | undefined =>
  response.status === status ? model : undefined

/** Whether the response shows this user. */
export function shows(response: Response, user: User, expected = 200): boolean {
  const { id, username, email, full_name, is_active, is_superuser } = user
  const shown = { id, username, email, full_name, is_active, is_superuser }
  return (
    response.status === expected &&
    Object.entries(shown).every(([key, value]) => response.body[key] === value)
  )
}
