/** What the commands of this repository have in common: `--help`, usage errors, exit codes. */
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'

/** Why a command was not carried out, in words for whoever ran it. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What a value has to be: a whole number, this or more; one of these; an address. */
type Rule = { least?: number; among?: readonly string[]; isUrl?: boolean }

type Option = ParseArgsOptionDescriptor &
  Rule & {
    about: string
    /** What the help calls the value of a string: `<file>`. */
    value?: string
  }

type Options = Readonly<Record<string, Option>>

export type CommandLine<Known extends Options> = {
  /** How it is run: `npm run keys`. */
  name: string
  /** What it does: the first lines of the help. */
  about: string
  /** What follows without a name, at most so many times. */
  operands?: { usage: string; most: number } & Rule
  options?: Known
  /** What else there is to know: the last lines of the help. */
  details?: string
}

type Parsed<Known extends Options> = ReturnType<
  typeof parseArgs<{ options: Known; allowPositionals: true }>
>

/**
 * Runs a command: prints its help, or calls `main` with the arguments. Exit codes: 0 done, 1 not done,
 * 2 the arguments or what they name are wrong.
 *
 * @param main may return the exit code
 */
export async function runCommand<const Known extends Options>(
  command: CommandLine<Known>,
  main: (given: Parsed<Known>) => unknown,
): Promise<void> {
  const given = readCommandLine(command)
  try {
    const code = await main(given)
    process.exitCode = typeof code === 'number' ? code : 0
  } catch (error) {
    const isExpected = error instanceof CommandError
    // Not the error itself: that of an invalid URL has the URL, with its password, as a property.
    console.error(isExpected ? error.message : error instanceof Error ? error.stack : String(error))
    process.exitCode = isExpected ? error.exitCode : 1
  }
  await Promise.all([process.stdout, process.stderr].map(allWritten))
  process.exit() // The idle connections of `fetch` would keep the process for five seconds.
}

/** A pipe takes 64 KiB, and the rest as it is read. Resolves when that is done, or nobody reads on. */
function allWritten(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    output.on('error', () => resolve())
    output.write('', () => resolve())
  })
}

/** The arguments of this process. Prints the help, or what is wrong with them, and exits. */
export function readCommandLine<const Known extends Options>(
  command: CommandLine<Known>,
): Parsed<Known> {
  const args = process.argv.slice(2)
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
  try {
    const given = parseArgs({ args, options, allowPositionals: true })
    if (given.values.help === true) {
      console.log(helpOf(command))
      process.exit(0)
    }
    const problem = problemOf(command, given)
    if (problem === undefined) return given as Parsed<Known>
    console.error(`${problem}. See: ${command.name} -- --help`)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message.split(/\.\s/)[0]}. See: ${command.name} -- --help`)
  }
  process.exit(2)
}

/** What `parseArgs` does not check. */
function problemOf(
  { options = {}, operands = { usage: '', most: 0 } }: CommandLine<Options>,
  { values, positionals }: { values: Record<string, unknown>; positionals: string[] },
): string | undefined {
  const extra = positionals[operands.most]
  if (extra !== undefined) return `Unexpected argument '${extra}'`
  const rules: [name: string, rule: Rule, given: unknown[]][] = [
    [operands.usage, operands, positionals],
    ...Object.entries(options).map(([name, option]): [string, Rule, unknown[]] => [
      ...([`--${name}`, option, [values[name] ?? []].flat()] as const),
    ]),
  ]
  for (const [name, rule, given] of rules) {
    const wrong = given.find((value) => !obeys(String(value), rule))
    if (wrong !== undefined) return `${name} takes ${wantedBy(rule)}; not '${wrong}'`
  }
  return undefined
}

function obeys(value: string, { least, among, isUrl }: Rule): boolean {
  if (least !== undefined && !(/^\d{1,15}$/.test(value) && Number(value) >= least)) return false
  if (isUrl && !(/^https?:/.test(value) && URL.canParse(value))) return false
  return among?.includes(value) ?? true
}

function wantedBy({ least, among, isUrl }: Rule): string {
  if (isUrl) return 'an address such as http://localhost:5173'
  return among ? `one of ${among.join(', ')}` : `a whole number, ${least} or more`
}

function helpOf({ name, about, operands, options = {}, details }: CommandLine<Options>): string {
  const rows = Object.entries(options).map(([option, { type, value, about, default: preset }]) => ({
    usage: `--${option}${type === 'string' ? ` ${value ?? '<value>'}` : ''}`,
    about: typeof preset === 'string' && preset !== '' ? `${about} (default: ${preset})` : about,
  }))
  rows.push({ usage: '-h, --help', about: 'this text' })
  const width = Math.max(...rows.map(({ usage }) => usage.length)) + 2
  const usage = [name, '--', operands?.usage, Object.keys(options).length > 0 && '[options]']
  return [
    about,
    `Usage: ${usage.filter(Boolean).join(' ').replace(/ --$/, '')}`,
    rows.map(({ usage, about }) => `  ${usage.padEnd(width)}${about}`).join('\n'),
    ...(details ? [details] : []),
  ].join('\n\n')
}
