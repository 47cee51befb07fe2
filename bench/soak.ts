// `npm run soak`: users and an admin under faults, and then every row, mail and log line explained.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCommandLine } from '../scripts/command-line.ts'
import { type MailQueue, startMailQueue } from '../scripts/standalone/mail-queue.ts'
import { startFaultProxy } from '../test/setup/fault-proxy.ts'
import { insertAdmin, insertUsers, logIn } from './accounts.ts'
import { buildWorker } from './build.ts'
import { startDependencies } from './dependencies.ts'
import { writeSection } from './report/write.ts'
import { workAsAdmin } from './soak/admin.ts'
import { createClient } from './soak/client.ts'
import { injectFaults, openLanes } from './soak/faults.ts'
import type { AccountLedger } from './soak/ledger.ts'
import { countMails, findResetToken } from './soak/mails.ts'
import { readAccounts, reconcile } from './soak/reconcile.ts'
import { soakReport } from './soak/report.ts'
import type { Surroundings } from './soak/sign-in.ts'
import { liveAsUser } from './soak/user.ts'
import { startWatch } from './soak/watch.ts'
import { type ServedWorker, serveWorker } from './workerd.ts'

const { values } = readCommandLine({
  name: 'npm run soak',
  about: `Users and an admin do all they can, while faults come and go between the Worker and its dependencies.
Afterwards every row, mail and log line has to be explained by what the clients saw. Fails with a list of
what is not.`,
  options: {
    seconds: { type: 'string', value: '<n>', least: 10, default: '600', about: 'how long' },
    write: { type: 'string', value: '<file>', about: 'puts the tables there: docs/performance.md' },
  },
})

const SECONDS = Number(values.seconds)
const USERS_AT_ONCE = 4
/** A fault every half minute; more often in a short run, so that it sees most of them. */
const FAULT_PERIOD_MS = Math.min(30, Math.max(4, SECONDS / 14)) * 1000
const RESET_MAIL_WITHIN_MS = 15_000
const DRAIN_WITHIN_MS = 60_000
const CRON_PERIOD_MS = 30_000

/** How much the memory of the last third may exceed that of the middle third. A short run is all warm-up. */
const MEMORY_GROWTH = SECONDS >= 300 ? 1.15 : Number.POSITIVE_INFINITY

const runCron = ({ deliverUrl }: ServedWorker) =>
  fetch(`${deliverUrl}/scheduled`, { method: 'POST' }).then((response) => response.text())

const folder = await mkdtemp(join(tmpdir(), 'soak-'))
const dependencies = await startDependencies()
const { database, mailbox, neon, upstash } = dependencies
const queue = await startMailQueue()
const proxy = await startFaultProxy({
  targets: { neon, upstash: upstash.url, resend: mailbox.url },
})
const lanes = await openLanes(proxy.url)
const worker = await serveWorker({
  script: await buildWorker(folder),
  mailQueue: queue.address,
  variables: {
    ...dependencies.variables,
    NEON_HTTP_URL: lanes.neon.url,
    UPSTASH_REDIS_REST_URL: lanes.upstash.url,
    RESEND_BASE_URL: lanes.resend.url,
  },
})
queue.deliverTo(worker.deliverUrl)
const client = createClient(worker.url)

/** An email whose message was lost with a response is queued by the cron two minutes later: now. */
async function sendWhatIsOverdue(mailQueue: MailQueue) {
  mailQueue.deliverTo(undefined)
  await database.query(`update outbox set created_at = created_at - interval '3 minutes'`)
  await runCron(worker)
  await database.query(`update outbox set created_at = created_at + interval '3 minutes'`)
  mailQueue.deliverTo(worker.deliverUrl)
  return mailQueue.drain(DRAIN_WITHIN_MS)
}

try {
  await insertUsers(database, 'steady', 1)
  await insertAdmin(database, 'soak-admin')
  const steady = await logIn(worker.url, 'steady-0')
  const admin = await logIn(worker.url, 'soak-admin', 'admins')
  const watch = startWatch(worker)
  const end = Date.now() + SECONDS * 1000
  const around: Surroundings = {
    client,
    goesOn: () => Date.now() < end,
    resetTokenFor: (email) => findResetToken(mailbox.url, email, RESET_MAIL_WITHIN_MS),
  }
  const ledgers: AccountLedger[] = []
  let born = 0
  const users = Array.from({ length: USERS_AT_ONCE }, async () => {
    while (around.goesOn()) ledgers.push(await liveAsUser(around, `soak-${born++}`))
  })
  const administration = workAsAdmin(around, {
    ...{ token: admin.access_token, username: 'soak-administered' },
  }).then((ledger) => ledgers.push(ledger))
  const cron = (async () => {
    while (around.goesOn()) {
      await sleep(Math.min(CRON_PERIOD_MS, Math.max(0, end - Date.now())))
      await runCron(worker)
    }
  })()
  const options = { client, token: steady.access_token, periodMs: FAULT_PERIOD_MS, end }
  const faults = await injectFaults(lanes, options)
  await Promise.all([...users, administration, cron])

  if (!(await queue.drain(DRAIN_WITHIN_MS))) client.violate('the mail queue is not empty')
  if (!(await sendWhatIsOverdue(queue))) client.violate('overdue mail was not delivered')
  watch.stop()

  const accounts = await readAccounts(database, 'soak-')
  const mails = await countMails(mailbox.url)
  for (const ledger of ledgers) {
    const own = mails.get(ledger.email) ?? new Map<string, number>()
    for (const problem of await reconcile(ledger, accounts, own)) client.violate(problem)
  }
  const known = new Set(ledgers.map(({ username }) => username))
  for (const { username } of accounts) {
    if (!known.has(username)) client.violate(`${username}: a row that nobody registered`)
  }
  const { rows: pending } = await database.query('select id from outbox')
  if (pending.length > 0) client.violate(`${pending.length} mails are still in the outbox`)
  const { dead, ...delivery } = queue.counts()
  if (dead > 0) client.violate(`${dead} messages are dead letters`)
  for (const leak of watch.leaks) client.violate(`a log line contains a ${leak}`)
  const memory = watch.memory()
  if (memory.last > memory.middle * MEMORY_GROWTH) client.violate('memory grows')

  const figures = { seconds: SECONDS, faults, ledgers, client, watch, mail: delivery }
  const markdown = `${soakReport(figures)}\n\n${client.violations.length} violations.`
  console.log(markdown)
  if (values.write) await writeSection(values.write, 'soak', { markdown, goals: [], data: {} })
  for (const violation of client.violations.slice(0, 50)) console.error(`VIOLATION ${violation}`)
  if (client.violations.length > 0) process.exitCode = 1
} finally {
  await worker.stop()
  await queue.close()
  await proxy.close()
  await dependencies.stop()
  await rm(folder, { recursive: true, force: true })
}
