/**
 * Reads PostgreSQL's text format of an array (manual, "Array Input and Output Syntax") into nested
 * arrays. Lower bounds (`[2:3]={…}`) are dropped, as JSON can't say them.
 *
 * @param item turns the text of one element into its value
 */
export function parseArray(text: string, item: (text: string) => unknown): unknown[] {
  const tokens = text.slice(text.indexOf('{')).matchAll(/[{},]|"((?:[^"\\]|\\.)*)"|[^{},"]+/gs)
  const root: unknown[] = []
  const open: unknown[][] = [root]
  for (const [token, quoted] of tokens) {
    const current = open.at(-1) ?? root
    if (token === '{') {
      const inner: unknown[] = []
      current.push(inner)
      open.push(inner)
    } else if (token === '}') {
      open.pop()
    } else if (quoted !== undefined) {
      current.push(item(quoted.replace(/\\(.)/gs, '$1')))
    } else if (token !== ',') {
      current.push(token === 'NULL' ? null : item(token))
    }
  }
  const [array] = root
  return Array.isArray(array) ? array : []
}
