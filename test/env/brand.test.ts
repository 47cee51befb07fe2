import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { contrast, paletteOf, textOn } from '../../src/env/brand.ts'
import { configOf, problemsOf } from '../setup/configuration.ts'

const color = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`)

/** What assets/page.css and emails/layout.ts have behind text, by color scheme. */
const SURFACES = { light: ['#ffffff', '#f4f5f7'], dark: ['#1f2228', '#14161a'] } as const

test('any brand color gives texts with a contrast of 4.5 on every surface, and on the color itself', () => {
  fc.assert(
    fc.property(color, (chosen) => {
      const palette = paletteOf(chosen)
      expect(palette.fill).toBe(chosen)
      expect(contrast(palette.fill, palette.onFill)).toBeGreaterThanOrEqual(4.5)
      for (const scheme of ['light', 'dark'] as const) {
        const shade = palette[scheme]
        expect(contrast(shade, textOn(shade))).toBeGreaterThanOrEqual(4.5)
        for (const surface of SURFACES[scheme]) {
          expect(contrast(shade, surface), `${chosen} on ${surface}`).toBeGreaterThanOrEqual(4.5)
        }
      }
    }),
    { numRuns: 2_000, examples: [['#ffffff'], ['#000000'], ['#ffff00'], ['#767676']] },
  )
})

test('a brand color that can be read everywhere in a scheme stays as it is', () => {
  expect(paletteOf('#1d4ed8')).toMatchObject({ light: '#1d4ed8', onFill: '#ffffff' })
  expect(paletteOf('#ffd400')).toMatchObject({ dark: '#ffd400', onFill: '#000000' })
})

test('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBe(21)
  expect(contrast('#ffffff', '#767676')).toBeCloseTo(4.54, 2)
  expect(contrast('#0a0a0a', '#0a0a0a')).toBe(1)
})

test.each(['red', '#fff', '#1d4ed', '#1d4ed8ff', '#1d4edg', '1d4ed8', '#1d4ed8;', ' #1d4ed8'])(
  'readConfig rejects BRAND_COLOR %j',
  (BRAND_COLOR) => {
    expect(problemsOf({ BRAND_COLOR })).toEqual(['BRAND_COLOR: must be a color such as #1d4ed8'])
  },
)

test.each([
  ...['logo.png', 'http://cdn.acme.io/logo.png', 'data:image/png;base64,AAAA', '//cdn.acme.io/x'],
  ...["https://a;script-src'self'/logo.png", 'https://a,b.io/logo.png', 'javascript:alert(1)'],
])('readConfig rejects LOGO_URL %j', (LOGO_URL) => {
  expect(problemsOf({ LOGO_URL })).toEqual(['LOGO_URL: must be the https URL of an image'])
})

test('readConfig rejects a LOGO_URL that only this machine reaches, once deployed', () => {
  const LOGO_URL = 'https://localhost/logo.png'
  expect(problemsOf({ LOGO_URL })).toEqual([])
  expect(problemsOf({ LOGO_URL, ENVIRONMENT: 'production' })).toContain(
    'LOGO_URL: must be a public https address: pages and emails load it, in staging and production',
  )
})

test.each(['javascript:alert(1)', 'app.acme.io', '/login'])(
  'readConfig rejects SIGN_IN_URL %j',
  (SIGN_IN_URL) => expect(problemsOf({ SIGN_IN_URL })).toEqual(['SIGN_IN_URL: Invalid URL']),
)

test('readConfig takes where to sign in from SIGN_IN_URL, else FRONTEND_URL, else nowhere', () => {
  const frontend = { FRONTEND_URL: 'https://app.acme.io' }
  const SIGN_IN_URL = 'https://app.acme.io/#/login'
  expect(configOf({ ...frontend, SIGN_IN_URL }).signInUrl).toBe(SIGN_IN_URL)
  expect(configOf(frontend).signInUrl).toBe('https://app.acme.io')
  expect(configOf({ FRONTEND_URL: '' }).signInUrl).toBeUndefined()
})
