/** An entry of `OPERATIONS`, taken apart. */
export type Operation = {
  method: string
  path: string
  accountType: 'user' | 'admin'
  does(word: string): boolean
}

export type Input = Record<string, unknown>

export function operationOf(row: string): Operation {
  const [method = '', path = '', ...words] = row.split(' ')
  return {
    method,
    path,
    accountType: path.startsWith('/users/') ? 'user' : 'admin',
    does: (word) => words.includes(word),
  }
}

/** The path with its parameters and the query, and what is left of the input for the body. */
export function fill({ path, does }: Operation, input: Input): { target: string; body?: string } {
  const rest = { ...input }
  const target = path.replace(/\{(\w+)\}/g, (_, parameter: string) => {
    const value = String(rest[parameter])
    delete rest[parameter]
    // Nothing, or dots, would make another path: `/sessions/..`.
    if (!/[^.]/.test(value)) throw new TypeError(`${parameter} must not be "${value}"`)
    return encodeURIComponent(value)
  })
  if (['json', 'refresh', 'logout'].some(does)) return { target, body: JSON.stringify(rest) }
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  if (!given.length) return { target }
  const query = given.map(([name, value]) => [name, String(value)])
  return { target: `${target}?${new URLSearchParams(query)}` }
}
