import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Section } from '../setting.ts'
import { goalTable } from './goals.ts'

/** The tables of a section, and its goals. */
export const sectionText = ({ markdown, goals }: Section) =>
  goals.length > 0 ? `${markdown}\n\n${goalTable(goals)}` : markdown

/**
 * Puts a section into a Markdown file, between `<!-- name -->` and `<!-- /name -->`, and its plots into
 * `plots/` beside it. `npm run format` aligns the tables.
 *
 * @throws if the file has no such place
 */
export async function writeSection(file: string, name: string, section: Section): Promise<void> {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const text = await readFile(file, 'utf8')
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`${file} has no ${begin} … ${end}`)
  await writeFile(file, `${before}${begin}\n\n${sectionText(section)}\n\n${end}${after}`)
  const plots = join(dirname(file), 'plots')
  for (const [plot, svg] of Object.entries(section.plots ?? {})) {
    await mkdir(plots, { recursive: true })
    await writeFile(join(plots, plot), svg)
  }
}
