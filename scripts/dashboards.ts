// `npm run dashboards`: monitoring/grafana/, from scripts/dashboards/.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './command-line.ts'
import { accounts } from './dashboards/accounts.ts'
import { grafanaDashboard } from './dashboards/grafana.ts'
import { mail } from './dashboards/mail.ts'
import { traffic } from './dashboards/traffic.ts'

const FOLDER = join(import.meta.dirname, '../monitoring/grafana')

/** What is in monitoring/grafana, by file name. */
export const dashboardFiles = (): Record<string, string> =>
  Object.fromEntries(
    [traffic, accounts, mail].map((dashboard) => [
      `${dashboard.uid}.json`,
      `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`,
    ]),
  )

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run dashboards',
      about: 'Writes the Grafana dashboards to monitoring/grafana, from scripts/dashboards.',
    },
    async () => {
      await mkdir(FOLDER, { recursive: true })
      for (const [file, json] of Object.entries(dashboardFiles())) {
        await writeFile(join(FOLDER, file), json)
      }
    },
  )
}
