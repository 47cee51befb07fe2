/** Finds text on a page that does not stand out from what is behind it (WCAG 2.2, 1.4.3 level AA). */
import type { Page } from 'playwright-core'

/** Of text of less than 24 px, or 18.66 px in bold. */
const ENOUGH = 4.5
const ENOUGH_IF_LARGE = 3

type Pale = { text: string; ratio: number; color: string; behind: string; where: string }

/** @returns each text with too little contrast, once for each pair of colors and kind of element */
export const paleTexts = (page: Page): Promise<Pale[]> =>
  page.evaluate<Pale[]>(`(${measure})(${ENOUGH}, ${ENOUGH_IF_LARGE})`)

/** Runs in the browser. Colors are what a canvas paints, since styles may use any color space. */
const measure = String(function measure(enough: number, enoughIfLarge: number) {
  const { document, getComputedStyle } = globalThis as any
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })

  /** What the colors of an element and of what is around it look like, painted over each other. */
  function painted(element: any, text: boolean): number[] {
    const layers: string[] = []
    let opacity = 1
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each)
      layers.unshift(style.backgroundColor)
      opacity *= Number(style.opacity)
    }
    context.globalAlpha = 1
    for (const layer of ['Canvas', ...layers]) fill(layer)
    context.globalAlpha = opacity
    if (text) fill(getComputedStyle(element).color)
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }

  function fill(color: string) {
    context.fillStyle = color
    context.fillRect(0, 0, 1, 1)
  }

  /** WCAG 2.2, "relative luminance". */
  function luminance(rgb: number[]) {
    const [r = 0, g = 0, b = 0] = rgb.map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }

  const found = new Map<string, object>()
  const texts = document.createTreeWalker(document.body, 4)
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim()
    const element = texts.currentNode.parentElement
    // A sign alone is decoration, and what is disabled may be pale.
    if (!/[\p{L}\p{N}]/u.test(text) || !element.checkVisibility({ visibilityProperty: true }))
      continue
    if (element.closest('script, style, noscript, :disabled, [aria-disabled="true"]')) continue
    const colors = [painted(element, true), painted(element, false)]
    const [light = 0, dark = 0] = colors.map(luminance).sort((a, b) => b - a)
    const ratio = (light + 0.05) / (dark + 0.05)
    const { fontSize, fontWeight } = getComputedStyle(element)
    const isLarge = parseFloat(fontSize) >= (Number(fontWeight) >= 700 ? 18.66 : 24)
    if (ratio >= (isLarge ? enoughIfLarge : enough)) continue
    const [color, behind] = colors.map((rgb) => `rgb(${rgb})`)
    const where = `${element.tagName.toLowerCase()}.${element.className}`
    found.set(`${where} ${color} ${behind}`, {
      text: text.slice(0, 40),
      ratio: Math.round(ratio * 100) / 100,
      color,
      behind,
      where,
    })
  }
  return [...found.values()]
})
