import { expect, test, vi } from 'vitest'
import { resourcesFor } from '../../src/resources.ts'
import { environment } from '../setup/api.ts'
import { configOf, problemsOf, valid } from '../setup/configuration.ts'
import { dayIn, LEGACY_SECRET } from '../setup/legacy.ts'

const set = { LEGACY_SECRET_KEY: LEGACY_SECRET, LEGACY_UNTIL: dayIn(7) }

test('without LEGACY_SECRET_KEY and LEGACY_UNTIL, no old token is accepted', () => {
  expect(configOf({}).legacy).toBeUndefined()
  expect(configOf({ LEGACY_SECRET_KEY: '', LEGACY_UNTIL: '' }).legacy).toBeUndefined()
})

test('LEGACY_SECRET_KEY is any text, kept as it is; LEGACY_UNTIL is the last day, in UTC', () => {
  for (const text of ['x', ' spaces ', LEGACY_SECRET, 'pässwörd']) {
    const { legacy } = configOf({ ...set, LEGACY_SECRET_KEY: text })
    const until = Date.parse(`${set.LEGACY_UNTIL}T24:00:00Z`)
    expect(legacy).toEqual({ secretKey: text, until, longestLife: 7 * 24 * 3600 })
  }
})

test('old refresh tokens live 7 days, or as long as REFRESH_TOKEN_EXPIRE_DAYS says if that is longer', () => {
  const lifeAt = (days: string) =>
    configOf({ ...set, REFRESH_TOKEN_EXPIRE_DAYS: days }).legacy?.longestLife
  expect([lifeAt('1'), lifeAt('7'), lifeAt('14')]).toEqual([604_800, 604_800, 1_209_600])
})

test.each<[what: string, replaced: Record<string, string>, problem: string]>([
  ['one alone', { LEGACY_UNTIL: '' }, 'LEGACY_UNTIL: set it together with LEGACY_SECRET_KEY'],
  [
    'the other alone',
    { LEGACY_SECRET_KEY: '' },
    'LEGACY_SECRET_KEY: set it together with LEGACY_UNTIL',
  ],
  ['no date', { LEGACY_UNTIL: 'next week' }, 'LEGACY_UNTIL: must be a date'],
  ['a day that there is not', { LEGACY_UNTIL: '2026-02-30' }, 'LEGACY_UNTIL: must be a date'],
  ['a time', { LEGACY_UNTIL: `${dayIn(1)}T00:00:00Z` }, 'LEGACY_UNTIL: must be a date'],
  ['31 days ahead', { LEGACY_UNTIL: dayIn(31) }, 'LEGACY_UNTIL: must be at most 30 days ahead'],
  ['a year ahead', { LEGACY_UNTIL: dayIn(365) }, 'LEGACY_UNTIL: must be at most 30 days ahead'],
  ...(['SECRET_KEY', 'ADMIN_BOOTSTRAP_TOKEN'] as const).map(
    (name) =>
      [
        name,
        { LEGACY_SECRET_KEY: `${valid[name]}\n` },
        'LEGACY_SECRET_KEY: is the same as another secret',
      ] as [string, Record<string, string>, string],
  ),
])('%s is a problem of the configuration', (_, replaced, problem) => {
  expect(problemsOf({ ...set, ...replaced })).toEqual([expect.stringContaining(problem)])
})

test('LEGACY_UNTIL may be 30 days ahead, or over: then a warning asks to remove both', () => {
  expect(problemsOf({ ...set, LEGACY_UNTIL: dayIn(30) })).toEqual([])
  expect(problemsOf({ ...set, LEGACY_UNTIL: '2025-01-31' })).toEqual([])
  const warningsOf = (replaced: object) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    resourcesFor(environment({ ...set, ...replaced }))
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)))
    log.mockRestore()
    return lines.map(({ level, event }) => `${level} ${event}`)
  }
  expect(warningsOf({ LEGACY_UNTIL: '2025-01-31' })).toEqual(['warn legacy_until_passed'])
  expect(warningsOf({})).toEqual(['warn legacy_secret_guessable'])
  expect(warningsOf({ LEGACY_SECRET_KEY: 'vQ8zXw2LmT5bRy7KcN3hGf6JpD9sAe4U' })).toEqual([])
})
