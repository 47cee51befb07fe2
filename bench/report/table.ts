/** A table in Markdown: numbers to the right. */
export function table(head: string[], rows: (string | number)[][]): string {
  const aligned = head.map((_, i) =>
    rows.some((row) => /^[\d.,-]+$/.test(String(row[i]))) ? '---:' : '---',
  )
  return [head, aligned, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** With three significant digits: 0.0123, 1.23, 12.3, 123, 12,345. A dash for what is not a number. */
export function shown(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}
