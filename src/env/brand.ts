import * as z from 'zod/mini'

const brandColor = z
  .string()
  .check(z.regex(/^#[\da-f]{6}$/i, 'must be a color such as #1d4ed8'), z.toLowerCase())

/** Its origin becomes part of a Content-Security-Policy, where `;` and `,` have a meaning. */
const logoUrl = z.string().check(
  z.refine((url) => /^https:\/\/[\w.-]+(:\d+)?\/\S+$/.test(url) && URL.canParse(url), {
    message: 'must be the https URL of an image',
  }),
)

export const BrandVariables = z.object({
  PROJECT_NAME: z._default(z.string().check(z.minLength(1), z.maxLength(60)), 'ADL Production'),
  BRAND_COLOR: z._default(brandColor, '#1d4ed8'),
  LOGO_URL: z.optional(logoUrl),
})

/** Whose service it is, for pages and emails. */
export function brandOf(env: z.output<typeof BrandVariables>) {
  return { name: env.PROJECT_NAME, logoUrl: env.LOGO_URL, ...paletteOf(env.BRAND_COLOR) }
}

/** Contrast of text at any size (WCAG 2.2, 1.4.3, level AA). */
const READABLE = 4.5

/** Of all that pages and emails have behind text, what contrasts least with a text of the scheme. */
const LIGHT = { surface: '#eef0f3', mixedWith: '#000000' }
const DARK = { surface: '#2a2e36', mixedWith: '#ffffff' }

/** How much of black or white is added at a time. */
const STEP = 0.02

/** What pages and emails make of BRAND_COLOR. */
export const paletteOf = (color: string) => ({
  /** As it was chosen, for buttons, with the color of text on it. */
  fill: color,
  onFill: textOn(color),
  /** For links and outlines on the surfaces of a scheme: the color itself, if it can be read there. */
  light: readableOn(LIGHT, color),
  dark: readableOn(DARK, color),
})

/** White if that can be read on the color, else black, which then can. */
export const textOn = (color: string) =>
  contrast('#ffffff', color) >= READABLE ? '#ffffff' : '#000000'

function readableOn({ surface, mixedWith }: typeof LIGHT, color: string): string {
  for (let share = 0; share < 1; share += STEP) {
    const shade = mix(color, mixedWith, share)
    if (contrast(shade, surface) >= READABLE) return shade
  }
  return mixedWith
}

const channels = (color: string) =>
  [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))

function mix(color: string, other: string, share: number): string {
  const others = channels(other)
  const mixed = channels(color).map((value, i) =>
    Math.round(value + ((others[i] ?? 0) - value) * share),
  )
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

/** Relative luminance (WCAG 2.2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channels(color).map((value) =>
    value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Contrast ratio, 1 to 21 (WCAG 2.2). */
export function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}
