import type * as z from 'zod'
import type { Reply } from './call.ts'
import type { Problem } from './check.ts'

/** What is wrong with the status of a response. */
export const wrongStatus = ({ request, status }: Reply, expected: number): Problem =>
  status !== expected && `${request} returns ${status} instead of ${expected}`

/** What is wrong with a header of a response. */
export function wrongHeader({ request, headers }: Reply, name: string, expected: string): Problem {
  const value = headers.get(name)
  if (value === expected) return false
  return value === null
    ? `${request} has no ${name}`
    : `${request} has ${name}: ${shortened(value)} instead of ${expected}`
}

/** What is wrong with the body of a response: that it is none of this shape, and where. */
export function wrongBody({ request, headers, json }: Reply, shape: z.ZodType): Problem[] {
  if (json === undefined) {
    return [`${request} returns ${headers.get('Content-Type') ?? 'nothing'} instead of JSON`]
  }
  const { error } = shape.safeParse(json)
  return (error?.issues ?? []).map(
    ({ path, message }) => `${request}: ${path.map(String).join('.') || 'the body'}: ${message}`,
  )
}

/** Characters of a header that are shown. */
const SHOWN = 80

const shortened = (value: string) => (value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
