import tlds from 'tlds'
import { describe, expect, test } from 'vitest'
import { withoutBreaks } from '../../emails/text.ts'
import { readsAsHost } from '../../src/routes/host-like.ts'
import { freshName, logIn, mailsTo, newAdmin, newcomer, newUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { linksIn } from '../setup/emails.ts'
import { forgotPassword } from './calls.ts'

const register = (fields: object) =>
  visitor().post('/api/users/register', { ...newcomer(), ...fields })

/** Registers with something that is rejected, and returns why. */
async function rejected(fields: object) {
  const response = await register(fields)
  expectError(response, 422, 'ValidationError')
  const [error, ...others] = response.body.details.errors
  expect(others).toEqual([])
  expect(error.field).toBe(Object.keys(fields)[0])
  return error.message
}

const CHARACTERS =
  'must consist of letters, digits, ".", "_" and "-", with each "." between two others'
const WEB_ADDRESS = 'must not read as a web address, such as "www.ada" or "ada.com"'
const INVISIBLE = 'must not contain control characters or invisible characters'

/** A new name with this ending. */
const unique = (ending: string) => `${freshName('u')}${ending}`

describe('a username', () => {
  test.each([
    '.ada.lovelace',
    '_søren-',
    '安娜',
    'प्रिया',
    'ẹ̀bùn',
    'ကမ္ဘာ',
    'ស្រី',
    'സ്മിത്',
    'محمد',
    'J.R.R',
    '.ada.1815',
    '.smith',
  ])('19: that ends in %j is 201', async (ending) => {
    const username = unique(ending)
    const response = await register({ username })
    expect([response.status, response.body.username]).toEqual([201, username])
  })

  test.each([
    ...['http://evil.example/win', 'evil/win', 'win!', '<b>', 'a b', "o'connor", 'evil\u3002com'],
    ...['.', '..ada', '.\u0300da', 'a@b', '\uff20b', '\u2105', '\u00a8', '💥'],
  ])('19: that ends in %j is 422, and the message names the characters', async (ending) => {
    expect(await rejected({ username: unique(ending) })).toBe(CHARACTERS)
  })

  test.each([
    ...['.com', '.COM', '.de', '.co.uk', '.app', '.xyz', '.рф', '.中国', '.xn--p1ai'],
    ...['\u2024com', '\uff0ecom', '.\u200ccom'],
  ])('19: that ends in %j is 422, as it reads as a web address', async (ending) => {
    expect(await rejected({ username: unique(ending) })).toBe(WEB_ADDRESS)
  })

  test.each(['www.ada', 'WWW.lovelace-1815', '192.168.0.1'])('19: %j is 422', async (username) => {
    expect(await rejected({ username })).toBe(WEB_ADDRESS)
  })

  test('19: hundreds of real top-level domains read as a web address, and no common surname does', () => {
    const known = tlds.filter((each) => readsAsHost(`ada.${each}`))
    expect(known.length).toBeGreaterThan(500)
    for (const surname of ['lovelace', 'kim', 'wang', 'black', 'smith', 'garcía', 'müller']) {
      expect(readsAsHost(`ada.${surname}`), surname).toBe(false)
    }
  })

  test.each([
    ...['\u034f', '\u3164', '\uffa0', '\u115f', '\u17b4', '\u180b', '\ufe0f', '\u{e0100}'],
    ...[
      '\u200b',
      '\u200d',
      '\u2060',
      '\ufeffa',
      '\u00ad',
      '\u202e',
      '\u061c',
      '\u2066',
      '\u{e0061}',
    ],
    ...['\u2800', '\u{13441}', '\u{16fe4}', '\0', '\x7f', '\ue000'],
  ])('31 (CWE-1007): of another with %j is 422, so that no two read as one', async (invisible) => {
    const { username } = await register({}).then(({ body }) => body)
    for (const lookalike of [`${username}${invisible}a`, `u${invisible}${username.slice(1)}`]) {
      expect(await rejected({ username: lookalike })).toBe(CHARACTERS)
    }
  })
})

/** Joiners and stackers, which show nothing unless a font joins what is around them. */
test.each([
  ...['\u2d7f', '\u{1107f}', '\u{11a99}', '\u{10a3f}', '\u{11d45}', '\u{11d97}', '\u{1bc9d}'],
  ...['\u{113d0}', '\u{1193e}', '\u{11a47}', '\u{11f42}'],
])('31 (CWE-1007): a username of another with the joiner %j is 422', async (joiner) => {
  const { username } = await register({}).then(({ body }) => body)
  for (const lookalike of [`${username}${joiner}`, `u${joiner}${username.slice(1)}`]) {
    expect(await rejected({ username: lookalike })).toBe(CHARACTERS)
  }
})

test.each(['\u1039', '\u17d2', '\u1a60', '\u1bab', '\uaaf6', '\u{11133}'])(
  '31 (CWE-1007): a username with the stacker %j and nothing to stack is 422',
  async (stacker) => {
    const { username } = await register({}).then(({ body }) => body)
    for (const ending of ['', '1', '_', '.a', `${stacker}a`]) {
      expect(await rejected({ username: `${username}${stacker}${ending}` })).toBe(CHARACTERS)
    }
  },
)

describe('a full_name', () => {
  test.each([
    ...[
      'Sinéad O’Connor-Smith, Jr.',
      'Dr. Ağça (née Öztürk)',
      '李小龍',
      'Ada 👩🏽‍🚀',
      '❤️ Ada',
      'Ada 🏳️‍🌈',
    ],
    ...['رضا می‌نژاد', 'ශ්‍රී නාත්', 'മോഹന്‍', 'क्‍षमा', '葛\u{e0100}城', '\u1820\u180b', 'Ada 🏴󠁧󠁢󠁳󠁣󠁴󠁿', '1️⃣'],
  ])('19: %j is 201, and kept as it is', async (name) => {
    const response = await register({ full_name: name })
    expect([response.status, response.body.full_name]).toEqual([201, name])
  })

  test.each([
    ...[
      'Olga\u034f',
      'Olga\u3164',
      'Ol\u200cga',
      'Olga\u200d',
      'Ол\u200dьга',
      '李\u200d明',
      'ر\u200c',
    ],
    ...['Olga\ufe0f', 'Olga\u{e0100}', 'Olga\u{e0061}', 'Olga\u2800', 'Ol\u00adga', 'Olga\u2060a'],
    ...['\u202eagl0', 'Olga\u061ca', 'Ol\u200bga', 'Ol\ufeffga', 'Olga\u115fa', 'Ol\0ga', 'Ol\nga'],
  ])('19 (CVE-2021-42574): %j is 422', async (name) => {
    expect(await rejected({ full_name: name })).toBe(INVISIBLE)
  })

  test('25: of 100 characters that could be read in many ways is 422 at once', async () => {
    const begun = Date.now()
    for (const part of ['😀', 'क्', '👩‍🚀', '葛\u{e0100}', 'ر\u200c']) {
      const name = `${part.repeat(Math.floor(98 / part.length))}\u034f`
      expect(await rejected({ full_name: name })).toBe(INVISIBLE)
    }
    expect(Date.now() - begun).toBeLessThan(10_000) // Milliseconds on a quiet machine.
  })
})

const byAdmin = visitor({ token: (await newAdmin()).access_token })
const search = async (text: string) => {
  const { body } = await byAdmin.get(`/api/admins/users?search=${encodeURIComponent(text)}`)
  return body.items.map(({ id }: { id: number }) => id)
}

/** As full-width forms, which NFKC makes ASCII of. */
const fullWidth = (text: string) =>
  text.replace(/[!-~]/g, (each) => String.fromCodePoint(each.charCodeAt(0) + 0xfee0))

test.each<[what: string, typed: (name: string) => string]>([
  ['as it is', (name) => name],
  ['in upper case', (name) => name.toUpperCase()],
  ['in full-width forms', fullWidth],
  ['with spaces around it', (name) => ` \t\u00a0${name}\u3000\ufeff`],
  ['as copied from an email', (name) => name.replace(/[.@]/g, '\u200c$&\u200c')],
])(
  '31: a username typed %s is taken at registration, logs in, and is found; an email too',
  async (_, typed) => {
    const fields = newcomer(`${freshName()}.lovelace`)
    const { username, email, password } = fields
    const { status, body } = await visitor().post('/api/users/register', fields)
    expect(status).toBe(201)
    const again = await register({ username: typed(username) })
    expectError(again, 409, 'DuplicateRecordError')
    expect(again.body.details).toMatchObject({ field: 'username' })
    for (const identifier of [username, email].map(typed)) {
      const login = await visitor().post('/api/users/login', { username: identifier, password })
      expect(login.status, identifier).toBe(200)
      expect(await search(identifier), identifier).toEqual([body.id])
    }
  },
)

test('31: an email that is not ASCII is 422 also where NFKC would make it so; with spaces or breaks it is the same email', async () => {
  const { email } = await newUser()
  expect(await rejected({ email: fullWidth(email) })).toBe('must be an email address')
  expectError(await forgotPassword(fullWidth(email)), 422, 'ValidationError')
  for (const typed of [` ${email}\u3000`, email.replace(/[.@]/g, '\u200c$&\u200c')]) {
    expectError(await register({ email: typed }), 409, 'DuplicateRecordError')
    expect((await forgotPassword(typed)).status).toBe(200)
  }
})

test('19: the username and the addresses in a delivered email are no links, and log in as copied', async () => {
  const fields = newcomer(`${freshName()}.lovelace`)
  await register(fields)
  const { access_token: token } = await logIn(visitor(), fields.username)
  const moved = `moved-${fields.email}`
  expect((await visitor({ token }).put('/api/users/me', { email: moved })).status).toBe(200)
  const mails = [...(await mailsTo(fields.email, 2)), ...(await mailsTo(moved))]
  expect(mails).toHaveLength(3)
  for (const mail of mails) {
    expect(linksIn(mail).filter((link) => !link.startsWith('https://app.example.com'))).toEqual([])
  }
  const texts = mails.map(({ text }) => text).join('\n')
  const [, copied = ''] = /Username: (.+)/.exec(texts) ?? []
  const [, address = ''] = /New address: (.+)/.exec(texts) ?? []
  expect([copied, address].map(withoutBreaks)).toEqual([fields.username, moved])
  for (const username of [copied, address]) {
    expect(await logIn(visitor(), username)).toHaveProperty('access_token')
  }
})

test('19: an old username that reads as a link logs in and stays; the emails to its owner make no link of it', async () => {
  const { id, email, password } = await newUser()
  const old = `http://evil.example.com/win-${id}`
  await sql('update users set username = $1 where id = $2', [old, id])
  const login = await visitor().post('/api/users/login', { username: old, password })
  expect(login.status).toBe(200)
  const me = visitor({ token: login.body.access_token })
  const moved = `moved-${email}`
  const profile = { username: old, email: moved, full_name: 'Ada' }
  const { status, body } = await me.put('/api/users/me', profile)
  expect([status, body.username, body.full_name]).toEqual([200, old, 'Ada'])
  expect(await search(old)).toEqual([id])
  expect((await me.put('/api/users/me', { username: `${old}0` })).status).toBe(422)
  await sql('update users set full_name = null where id = $1', [id])
  expect((await me.put('/api/users/me', { email })).status).toBe(200)
  const mails = await mailsTo(email, 2)
  expect(mails).toHaveLength(2)
  for (const mail of mails) expect(linksIn(mail)).toEqual([])
})
