/** What the fuzzer sends: nearly what the OpenAPI document allows, and anything else. */
import * as fc from 'fast-check'

export type Schema = {
  type?: string
  enum?: unknown[]
  anyOf?: Schema[]
  format?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  properties?: Record<string, Schema>
}

/** Values that the API knows, so that some requests succeed. */
export type Known = { names: string[]; tokens: string[]; ids: string[] }

/** Any string, with surrogates and control characters. */
const wildString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.constantFrom(
    ...['', ' ', '\0', 'a\0b', '\ud800', 'a\udfff', '\r\n', '\u202e', 'ﬀ', 'İ', '𝟙', '\u0300'],
    ...[
      'ada\u034f',
      'ada\u3164',
      '\u2800',
      '\u200d',
      '👩‍🚀',
      '葛\u{e0100}',
      'http://a.example',
      'a․com',
    ],
    ...['null', '-1', '1e309', "' or 1=1 --", '{{7*7}}', '../../etc/passwd', '%00', '<script>'],
    ...['constructor', '__proto__', 'a@x.example,b@y.example', '"a@b"@c.example', 'a＠b.example'],
  ),
  fc
    .tuple(fc.constantFrom('a', 'é', '💥', '\0'), fc.constantFrom(3, 50, 72, 73, 255, 513, 9_000))
    .map(([letter, length]) => letter.repeat(length)),
)

const hugeNumber = fc.constantFrom(
  ...[0, -0, -1, 0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 1e21, 1e308, -1e308, 5e-324],
)

const wildValue: fc.Arbitrary<unknown> = fc.oneof(
  wildString,
  hugeNumber,
  fc.constantFrom(null, true, false, [], {}, [[]], { $ne: '' }, ['a'], { toString: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
)

/** A username, or nearly: what reads as a host is none. */
const name = fc
  .array(fc.oneof(fc.constantFrom('.', '-', '_'), fc.stringMatching(/^[\p{L}\p{Nd}]{1,9}$/u)), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => parts.join(''))

/** What the schema allows, or nearly. */
function near(schema: Schema, values: Known): fc.Arbitrary<unknown> {
  const known = fc.constantFrom(...values.names, ...values.tokens)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => near(each, values)))
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'null') return fc.constant(null)
  if (schema.type === 'integer' || schema.type === 'number') {
    const { minimum = -5, maximum = 2 ** 31 } = schema
    return fc.oneof(fc.integer(), fc.constantFrom(minimum - 1, minimum, maximum, maximum + 1))
  }
  if (schema.format === 'email') {
    return fc.oneof(known, fc.emailAddress(), fc.constant(`a@${'b.'.repeat(130)}example`))
  }
  if (schema.format === 'date-time') {
    const valid = fc.date({ noInvalidDate: true }).map((at) => at.toISOString())
    return fc.oneof(fc.date().map(String), valid)
  }
  if (schema.format === 'base64url') {
    return fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'))
  }
  if (schema.pattern) return fc.oneof(known, name, wildString)
  const minLength = Math.max(0, (schema.minLength ?? 0) - 1)
  const maxLength = (schema.maxLength ?? 60) + 1
  return fc.oneof(known, fc.string({ unit: 'grapheme', minLength, maxLength }))
}

const usually = <Value>(often: fc.Arbitrary<Value>, seldom: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 4, arbitrary: often }, { weight: 1, arbitrary: seldom })

/** An object as JSON text, which can have `__proto__`, and a key twice. */
const text = (entries: (readonly [string, unknown])[]) =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`

function nearBody(schema: Schema, known: Known): fc.Arbitrary<string> {
  const given = Object.entries(schema.properties ?? {}).map(([key, property]) =>
    usually<(readonly [string, unknown])[]>(
      usually(near(property, known), wildValue).map((value) => [[key, value]]),
      fc.constant([]),
    ),
  )
  const extra = fc.array(
    fc.tuple(
      fc.constantFrom('__proto__', 'constructor', 'id', 'role', 'is_superuser', 'hashed_password'),
      wildValue,
    ),
    { maxLength: 2 },
  )
  return fc.tuple(fc.tuple(...given), extra).map(([own, more]) => text([...own.flat(), ...more]))
}

const wildBody: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  fc.json(),
  wildString,
  fc.constantFrom('', '{', '[]', 'null', '1e999', '\ufeff{}'),
  fc.constantFrom('{"a":1,"a":2}', '{"a":1,"\\u0061":2}'),
  fc.integer({ min: 1, max: 8_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc
    .integer({ min: 1, max: 3_000 })
    .map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Uint8Array.from(bytes)),
)

/** A body for this schema: mostly nearly what it allows. */
export const bodyFor = (schema: Schema, known: Known) =>
  usually<string | Uint8Array<ArrayBuffer>>(nearBody(schema, known), wildBody)

const encoded = (value: unknown) =>
  encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed())

/** A query string of these parameters, others, and some twice. */
export function queryFor(parameters: { name: string; schema: Schema }[], known: Known) {
  const names = fc.oneof(wildString, fc.constantFrom(...parameters.map(({ name }) => name), 'x'))
  const own = parameters.map(({ name, schema }) =>
    fc.option(usually(near(schema, known), wildValue).map((value) => `${name}=${encoded(value)}`)),
  )
  const pair = fc.tuple(names, wildString).map((both) => both.map(encoded).join('='))
  const wild = fc.array(
    fc.oneof(pair, fc.constantFrom('&', '=', '%', '%ZZ', '%ff', 'page[]=1', '?')),
    { maxLength: 2 },
  )
  return fc
    .tuple(fc.tuple(...own), wild)
    .map(([given, more]) => [...given, ...more].filter(Boolean).join('&'))
    .map((query) => (query ? `?${query}` : ''))
}

/** A part of a path. */
export const segmentFor = ({ ids }: Known) =>
  fc.oneof(
    fc.constantFrom(...ids, '2147483647', '2147483648', '9'.repeat(30)),
    fc.constantFrom('0', '-1', '1.5', '1e3', '0x1'),
    fc.constantFrom('%00', '%2F', '%ff', '%', '..', '%2e%2e', '1;x', '1%20', ' 1', '١'),
    fc.uuid(),
    wildString.map(encoded),
  )

/** A valid header value: no line breaks, and no spaces at its ends. */
const headerValue = fc
  .array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength: 60 })
  .map((bytes) => String.fromCharCode(...bytes).trim())

/** Headers that the API reads, with valid and invalid tokens. */
export const headersFor = ({ tokens }: Known) =>
  fc
    .record(
      {
        Authorization: usually(
          fc.constantFrom(...tokens).map((token) => `Bearer ${token}`),
          fc.oneof(
            headerValue,
            fc.constantFrom('Bearer', 'Basic YTpi', 'Bearer a.b.c', 'bearer  x'),
          ),
        ),
        'Content-Type': usually(
          fc.constant('application/json'),
          fc.oneof(headerValue, fc.constantFrom('text/plain', 'application/json; charset=utf-16')),
        ),
        'X-Request-ID': fc.oneof(fc.uuid(), headerValue),
        'X-Bootstrap-Token': headerValue,
        Origin: fc.oneof(headerValue, fc.constantFrom('null', 'https://app.example.com')),
        'User-Agent': headerValue,
        'If-None-Match': headerValue,
      },
      { requiredKeys: ['Authorization', 'Content-Type'] },
    )
    .map((headers) => Object.fromEntries(Object.entries(headers).filter(([, value]) => value)))
