/**
 * Acts on admins for the operator, who has DATABASE_URL: `npm run admin -- list`. Each act does what an
 * API call would, its line in the audit trail included.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs, parseEnv } from 'node:util'
import { CommandError } from './admin/command-error.ts'
import { actOn, isAct, list, resetPassword, type Values } from './admin/commands.ts'
import { withDatabase } from './admin/database.ts'

const HELP = `npm run admin -- <command> [<id|email>] [--file <file>]

  list                      all admins
  disable <id|email>        ends all sessions; no login until enabled again
  enable <id|email>         earlier sessions stay ended
  promote <id|email>        makes a superadmin
  demote <id|email>         makes a superadmin an admin; ends all sessions
  end-sessions <id|email>   signs out everywhere
  reset-password <id|email> prints a link to choose a new password, which works once

The last active superadmin can't be disabled or demoted. Each act is in the audit trail.

DATABASE_URL names the database. reset-password needs the variables of the Worker, too: it derives the
link from its SECRET_KEY. They come from the environment, or from a file as \`npm run doctor\` reads it:
--file ~/edge-accounts.production.env

Exit codes: 0 done, or nothing to do; 1 not done; 2 the command or the variables are wrong.`

const SEE_HELP = 'See: npm run admin -- --help'

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { file: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new CommandError(`${error instanceof Error ? error.message : error}. ${SEE_HELP}`, 2)
  }
}

/** What the file sets goes before what the shell does. An empty variable counts as unset. */
async function readVariables(file: string | undefined, env: Values): Promise<Values> {
  if (file === undefined) return env
  try {
    const set = Object.entries(parseEnv(await readFile(file, 'utf8'))).filter(([, value]) => value)
    return { ...env, ...Object.fromEntries(set) }
  } catch {
    throw new CommandError(`Can't read ${file}.`, 2)
  }
}

/** Carries out a command, and returns what to print. */
async function run(args: string[], env: Values): Promise<string> {
  const { values: options, positionals } = parse(args)
  if (options.help) return HELP
  const [command, who, ...rest] = positionals
  if (command === undefined) throw new CommandError(HELP, 2)
  if (!isAct(command) && command !== 'list' && command !== 'reset-password') {
    throw new CommandError(`There is no command ${command}. ${SEE_HELP}`, 2)
  }
  if (rest.length > 0 || (who === undefined) !== (command === 'list')) {
    throw new CommandError(
      command === 'list'
        ? `list takes no admin. ${SEE_HELP}`
        : `${command} takes one admin. ${SEE_HELP}`,
      2,
    )
  }
  const values = await readVariables(options.file, env)
  const { DATABASE_URL: url } = values
  if (!url) {
    throw new CommandError(
      `DATABASE_URL is not set. Run: DATABASE_URL=postgresql://… npm run admin -- ${command}`,
      2,
    )
  }
  return withDatabase(url, (db) => {
    if (who === undefined) return list(db)
    return isAct(command) ? actOn(db, command, who) : resetPassword(db, who, values)
  })
}

try {
  console.log(await run(process.argv.slice(2), process.env))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof CommandError ? error.exitCode : 1
}
