import { randomUUID } from 'node:crypto'
import {
  actOnAdmin,
  findAdmins,
  issueResetByOperator,
  type ListedAdmin,
} from '../../src/db/admins-by-operator.ts'
import type { Database } from '../../src/db/client.ts'
import { ConfigurationError, readConfig } from '../../src/env.ts'
import { resetLink } from '../../src/mail/links.ts'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { CommandError } from '../command-line.ts'
import type { Values } from '../variables.ts'

type Command = keyof typeof actOnAdmin

export const isAct = (command: string): command is Command => Object.hasOwn(actOnAdmin, command)

/** What is printed after an act. */
const DONE: Record<Command, string> = {
  disable: 'is disabled. All sessions have ended.',
  enable: 'is active again. Earlier sessions stay ended.',
  promote: 'is a superadmin.',
  demote: 'is no longer a superadmin. All sessions have ended.',
  'end-sessions': 'is signed out everywhere.',
}

/** What is printed when there was nothing left to do. */
const ALREADY: Partial<Record<Command, (admin: ListedAdmin) => string | false>> = {
  disable: (admin) => !admin.is_active && 'is disabled already',
  enable: (admin) => admin.is_active && 'is active already',
  promote: (admin) => admin.is_superadmin && 'is a superadmin already',
  demote: (admin) => !admin.is_superadmin && 'is not a superadmin',
}

/** Carries out an act, and returns what to print. */
export async function actOn(db: Database, command: Command, who: string): Promise<string> {
  const admin = await findAdmin(db, who)
  const acted = await actOnAdmin[command](db, { id: admin.id, requestId: randomUUID() })
  if (acted) return `${named(admin)} ${DONE[command]}`
  const already = ALREADY[command]?.(await findAdmin(db, String(admin.id)))
  if (already) return `${named(admin)} ${already}. Nothing changed.`
  throw new CommandError(
    `${named(admin)} is the last active superadmin. Promote another admin first: npm run admin -- promote <id|email>`,
  )
}

/** Issues a reset, and returns what to print: the link works once. */
export async function resetPassword(db: Database, who: string, values: Values): Promise<string> {
  const admin = await findAdmin(db, who)
  const config = readConfig(values)
  if (config instanceof ConfigurationError) {
    throw new CommandError(
      [
        'A link is derived from the variables of the Worker. These are not valid:',
        ...config.problems.map((problem) => `  ${problem}`),
        'Pass what `npm run doctor` checks: --env <environment> --file <file>',
        `Or have the link mailed: POST /api/v1/admins/forgot-password {"email": "${printable(admin.email)}"}`,
      ].join('\n'),
      2,
    )
  }
  const resetId = randomUUID()
  const { resetTokenSeconds } = config
  const request = { id: admin.id, resetId, resetTokenSeconds, requestId: randomUUID() }
  if (!(await issueResetByOperator(db, request))) {
    throw new CommandError(
      `${named(admin)} is disabled. Enable it first: npm run admin -- enable <id|email>`,
    )
  }
  const link = resetLink(config, deriveKeys(config), { accountType: 'admin', resetId })
  return [
    `${named(admin)} can choose a new password with this link, once, within ${resetTokenSeconds / 60} minutes:`,
    link,
  ].join('\n')
}

const HIGHEST_ID = 2 ** 31 - 1

async function findAdmin(db: Database, who: string): Promise<ListedAdmin> {
  const isId = /^[1-9]\d{0,9}$/.test(who) && Number(who) <= HIGHEST_ID
  if (!isId && !who.includes('@')) {
    throw new CommandError(
      `"${printable(who)}" is neither an id nor an email. See: npm run admin -- list`,
      2,
    )
  }
  const [admin] = await findAdmins(db, isId ? { id: Number(who) } : { email: who })
  if (!admin) {
    throw new CommandError(
      `No admin has the ${isId ? 'id' : 'email'} ${printable(who)}. See: npm run admin -- list`,
    )
  }
  return admin
}

/** One line per admin, in columns. */
export async function list(db: Database): Promise<string> {
  const admins = await findAdmins(db, {})
  if (admins.length === 0) return 'There are no admins yet.'
  const rows = [
    ['ID', 'USERNAME', 'EMAIL', 'ROLE', 'STATE', 'SESSIONS', 'CREATED'],
    ...admins.map((admin) => [
      String(admin.id),
      printable(admin.username),
      printable(admin.email),
      admin.is_superadmin ? 'superadmin' : 'admin',
      admin.is_active ? 'active' : 'disabled',
      String(admin.open_sessions),
      admin.created_at.toISOString().slice(0, 10),
    ]),
  ]
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const named = ({ id, username }: ListedAdmin) => `Admin ${id} (${printable(username)})`

/** Without what a terminal would obey. */
const printable = (text: string) => text.replace(/\p{C}/gu, '\ufffd')
