/** Mistakes that a statement of SQL could contain: each mutant is the statement with one of them. */

/** What was changed, as a reader finds it: `is null -> is not null`, with the text around it. */
export type SqlMutant = { change: string; text: string }

type Token = { text: string; start: number; depth: number }

/** Whether a token is a condition or an assignment depends on the last of these at its depth. */
const CLAUSE =
  /^(?:set|where|on|and|or|when|having|not|then|else|select|returning|from|values|using|with)$/

/** What ends a condition of `where`. */
const AFTER_CONDITION = /^(?:returning|order|group|limit|for|union|on)$/

const SWAPPED: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>'],
  '<=': ['<', '>'],
  '>': ['>=', '<'],
  '>=': ['>', '<'],
  '<>': ['='],
  '+': ['-'],
  '-': ['+'],
  and: ['or'],
  or: ['and'],
  true: ['false'],
  false: ['true'],
  asc: ['desc'],
  desc: ['asc'],
  least: ['greatest'],
  greatest: ['least'],
  lower: [''],
  all: [''],
  distinct: [''],
  left: ['inner'],
}

/** All mutants of a statement. Those that PostgreSQL would not parse are among them. */
export function mutantsOf(text: string): SqlMutant[] {
  const tokens = tokensOf(text)
  return tokens.flatMap((token, index) =>
    changesAt(tokens, index).map(({ end, by }) => ({
      change: describe(text, { start: token.start, end, by }),
      text: text.slice(0, token.start) + by + text.slice(end),
    })),
  )
}

/** The text from a token's start to `end` is replaced. */
type Change = { end: number; by: string }

function changesAt(tokens: readonly Token[], index: number): Change[] {
  const at = (offset: number) => tokens[index + offset]?.text ?? ''
  const endOf = (offset: number) => {
    const token = tokens[index + offset]
    return token ? token.start + token.text.length : 0
  }
  const word = at(0)
  const swap = (SWAPPED[word] ?? []).map((by) => ({ end: endOf(0), by }))
  switch (word) {
    case 'is': {
      const negated = at(1) === 'not'
      return [{ end: endOf(negated ? 1 : 0), by: negated ? 'is' : 'is not' }]
    }
    case 'not':
      return at(-1) === 'is' ? [] : [{ end: endOf(0), by: '' }]
    case 'exists':
      return at(-1) === 'not' ? [] : [{ end: endOf(0), by: 'not exists' }]
    case 'and':
      return isBetween(tokens, index) ? [] : swap
    case 'for':
      return at(1) === 'update' || at(1) === 'no' ? [{ end: lockEnd(tokens, index), by: '' }] : []
    case 'where':
      return [{ end: conditionEnd(tokens, index), by: 'where false' }]
    case 'insert':
      return withoutRows(tokens, index)
    case '=':
      return clauseOf(tokens, index) === 'set'
        ? [{ end: valueEnd(tokens, index), by: `= ${at(-1)}` }]
        : [{ end: endOf(0), by: '<>' }]
    default:
      return /^[01]$/.test(word) && !/^(?:returning|select)$/.test(at(-1))
        ? [{ end: endOf(0), by: word === '1' ? '0' : '1' }]
        : swap
  }
}

const TOKEN =
  /'(?:[^']|'')*'|\$\d+::\w+|[a-z_][\w.]*|\d+|<=|>=|<>|->>?|::\w+|[-+*/=<>(),;|]|[^\s]/gi

function tokensOf(text: string): Token[] {
  let depth = 0
  return [...text.matchAll(TOKEN)].map(({ 0: found, index: start }) => {
    if (found === ')') depth--
    const token = { text: found, start, depth }
    if (found === '(') depth++
    return token
  })
}

/** The last keyword before a token that is not inside of other parentheses. */
function clauseOf(tokens: readonly Token[], index: number): string | undefined {
  const depth = tokens[index]?.depth
  return tokens
    .slice(0, index)
    .findLast((token) => token.depth === depth && CLAUSE.test(token.text))?.text
}

function isBetween(tokens: readonly Token[], index: number): boolean {
  const depth = tokens[index]?.depth
  const before = tokens
    .slice(0, index)
    .findLast((token) => token.depth === depth && /^(?:and|or|where|on|between)$/.test(token.text))
  return before?.text === 'between'
}

/** The end of what begins at a token: before the first later one at its depth that matches, or its parenthesis. */
function endBefore(tokens: readonly Token[], index: number, stop: RegExp): number {
  const depth = tokens[index]?.depth ?? 0
  const rest = tokens.slice(index + 1)
  const next = rest.findIndex(
    (token) => token.depth < depth || (token.depth === depth && stop.test(token.text)),
  )
  const last = next < 0 ? tokens.at(-1) : tokens[index + next]
  return last ? last.start + last.text.length : 0
}

const conditionEnd = (tokens: readonly Token[], index: number) =>
  endBefore(tokens, index, AFTER_CONDITION)

const valueEnd = (tokens: readonly Token[], index: number) =>
  endBefore(tokens, index, /^(?:,|where|from|returning)$/)

/** `for update of a skip locked`. */
const lockEnd = (tokens: readonly Token[], index: number) =>
  endBefore(tokens, index, /^(?!for$|no$|key$|update$|of$|skip$|locked$|[a-z]$)/)

/** `insert … select …` that inserts nothing: its line of the audit trail, its email is missing. */
function withoutRows(tokens: readonly Token[], index: number): Change[] {
  const depth = tokens[index]?.depth
  const end = endBefore(tokens, index, /^(?:on|returning)$/)
  const body = tokens.slice(index).filter((token) => token.start < end && token.depth === depth)
  const hasWhere = body.some((token) => token.text === 'where' || token.text === 'union')
  if (hasWhere || !body.some((token) => token.text === 'select')) return []
  return [{ end, by: `${sliceOf(tokens, index, end)} where false` }]
}

/** The text of tokens again, with single spaces. */
const sliceOf = (tokens: readonly Token[], index: number, end: number) =>
  tokens
    .slice(index)
    .filter((token) => token.start < end)
    .map((token) => token.text)
    .join(' ')
    .replaceAll(/ (::|\()/g, '$1')

/** Characters shown before and after. */
const AROUND = 40

function describe(text: string, { start, end, by }: { start: number; end: number; by: string }) {
  const flat = (part: string) => part.replace(/\s+/g, ' ')
  const before = flat(text.slice(Math.max(0, start - AROUND), start))
  const removed = flat(text.slice(start, end))
  return `${before}[${removed} -> ${flat(by)}]${flat(text.slice(end, end + AROUND))}`
}
