// `npm run admin`: acts on admins for the operator, who has DATABASE_URL.
import { actOn, isAct, list, resetPassword } from './admin/commands.ts'
import { withDatabase } from './admin/database.ts'
import { CommandError, runCommand } from './command-line.ts'
import { VARIABLE_OPTIONS, variablesOf } from './environments.ts'
import { databaseUrlOf } from './variables.ts'

const DETAILS = `Commands:
  list                      all admins
  disable <id|email>        ends all sessions; no login until enabled again
  enable <id|email>         earlier sessions stay ended
  promote <id|email>        makes a superadmin
  demote <id|email>         makes a superadmin an admin; ends all sessions
  end-sessions <id|email>   signs out everywhere
  reset-password <id|email> prints a link to choose a new password, which works once

The last active superadmin can't be disabled or demoted. Each act is in the audit trail.

DATABASE_URL names the database. reset-password needs the variables of the Worker, too: it derives the
link from its SECRET_KEY. They come from the shell, or as for \`npm run doctor\`:
--env production --file ~/edge-accounts.production.env

Exit codes: 0 done, or nothing to do; 1 not done; 2 the command or the variables are wrong.`

const SEE_HELP = 'See: npm run admin -- --help'

await runCommand(
  {
    name: 'npm run admin',
    about:
      'Acts on admins. Each act does what an API call would, its line in the audit trail included.',
    operands: { usage: '<command> [<id|email>]', most: 2 },
    options: VARIABLE_OPTIONS,
    details: DETAILS,
  },
  async ({ values: given, positionals: [command, who] }) => {
    if (command === undefined) throw new CommandError(`Which command? ${SEE_HELP}`, 2)
    if (!isAct(command) && command !== 'list' && command !== 'reset-password') {
      throw new CommandError(`There is no command ${command}. ${SEE_HELP}`, 2)
    }
    if ((who === undefined) !== (command === 'list')) {
      const takes = command === 'list' ? 'no admin' : 'one admin'
      throw new CommandError(`${command} takes ${takes}. ${SEE_HELP}`, 2)
    }
    // What the file sets goes before what the shell does.
    const values = { ...process.env, ...(await variablesOf(given)) }
    const url = databaseUrlOf(values, `npm run admin -- ${command}`)
    const output = await withDatabase(url, (db) => {
      if (who === undefined) return list(db)
      return isAct(command) ? actOn(db, command, who) : resetPassword(db, who, values)
    })
    console.log(output)
  },
)
