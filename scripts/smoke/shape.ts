import type * as z from 'zod'
import type { Reply } from './call.ts'
import { CheckError, type Problem } from './check.ts'

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

/**
 * The body of a response that must have this status and shape.
 *
 * @throws {CheckError} that says what is wrong, never with the body
 */
export function bodyOf(reply: Reply, status: number): undefined
export function bodyOf<Shape extends z.ZodType>(
  reply: Reply,
  status: number,
  shape: Shape,
): z.output<Shape>
export function bodyOf(reply: Reply, status: number, shape?: z.ZodType): unknown {
  const problems = [wrongStatus(reply, status), ...(shape ? wrongBody(reply, shape) : [])]
  const problem = problems.find((each) => each !== false)
  if (problem !== undefined) throw new CheckError(problem)
  return shape?.parse(reply.json)
}
