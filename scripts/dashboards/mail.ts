import { type Dashboard, increase } from './panel.ts'

const mails = (outcome: string) =>
  `accounts_mails_total{instance=~"$instance", outcome=~"${outcome}"}`

export const mail: Dashboard = {
  uid: 'accounts-mail',
  title: 'Accounts: mail',
  description: 'Whether emails leave, and how long they wait.',
  panels: [
    {
      title: 'Waiting',
      description: 'Emails in the outbox. MailBacklog fires above 100.',
      type: 'stat',
      unit: 'short',
      queries: { emails: 'accounts_outbox_pending{instance=~"$instance"}' },
      thresholds: { yellow: 20, red: 100 },
    },
    {
      title: 'Waiting for',
      description: 'The oldest of them. MailDelayed fires above half an hour.',
      type: 'stat',
      unit: 's',
      queries: { oldest: 'accounts_outbox_oldest_seconds{instance=~"$instance"}' },
      thresholds: { yellow: 300, red: 1800 },
    },
    {
      title: 'Dead letters in a day',
      description: 'Emails that were given up after ten retries, and can be replayed.',
      type: 'stat',
      unit: 'short',
      queries: { emails: increase(mails('dead'), '1d', 'instance') },
      thresholds: { red: 1 },
    },
    {
      title: 'Abandoned',
      description: 'Emails of the outbox that were not sent within 23 hours.',
      type: 'stat',
      unit: 'short',
      queries: { emails: 'accounts_outbox_abandoned{instance=~"$instance"}' },
      thresholds: { red: 1 },
    },
    {
      title: 'Attempts in five minutes',
      description: '`failed` is repeated, `dead` is not.',
      type: 'timeseries',
      unit: 'short',
      queries: { '{{outcome}}': increase(mails('.+'), '5m', 'outcome') },
      isStacked: true,
    },
    {
      title: 'Sent in five minutes',
      description:
        '`owed`: welcome emails and notices, from the outbox. `reset-requested`: reset links.',
      type: 'timeseries',
      unit: 'short',
      queries: { '{{mail}}': increase(mails('sent'), '5m', 'mail') },
      isStacked: true,
    },
    {
      title: 'Waiting emails',
      description: 'Emails in the outbox.',
      type: 'timeseries',
      unit: 'short',
      queries: { emails: 'accounts_outbox_pending{instance=~"$instance"}' },
    },
    {
      title: 'Age of the oldest',
      description: 'The cron queues an email again after two minutes, then hourly.',
      type: 'timeseries',
      unit: 's',
      queries: { age: 'accounts_outbox_oldest_seconds{instance=~"$instance"}' },
    },
  ],
}
