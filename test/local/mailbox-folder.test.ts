import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Resend } from 'resend'
import { expect, onTestFinished, test } from 'vitest'
import { type MailboxOptions, startMailbox } from '../../local/mailbox/index.ts'
import { API_KEY, MAIL } from './sample-mail.ts'

function newFolder() {
  const parent = mkdtempSync(join(tmpdir(), 'mails-'))
  onTestFinished(() => rmSync(parent, { recursive: true }))
  return join(parent, 'mails')
}

/** Runs with a mailbox, then closes it. */
async function during<Result>(options: MailboxOptions, use: (resend: Resend) => Promise<Result>) {
  const mailbox = await startMailbox({ apiKey: API_KEY, ...options })
  try {
    return await use(new Resend(API_KEY, { baseUrl: mailbox.url }))
  } finally {
    await mailbox.close()
  }
}

const list = async (resend: Resend) => (await resend.emails.list({ limit: 100 })).data?.data ?? []

const subjects = async (resend: Resend) => (await list(resend)).map(({ subject }) => subject)

async function send(resend: Resend, ...subjects: string[]) {
  for (const subject of subjects) {
    expect((await resend.emails.send({ ...MAIL, subject })).error).toBeNull()
  }
}

test('emails are returned after a restart as they were before it, newest first', async () => {
  const folder = newFolder()
  const before = await during({ folder }, async (resend) => {
    await send(resend, '1', '2', '3')
    return Promise.all((await list(resend)).map(({ id }) => resend.emails.get(id)))
  })
  const after = await during({ folder }, async (resend) => {
    expect(await subjects(resend)).toEqual(['3', '2', '1'])
    const mails = await Promise.all((await list(resend)).map(({ id }) => resend.emails.get(id)))
    await send(resend, '4')
    expect(await subjects(resend)).toEqual(['4', '3', '2', '1'])
    return mails
  })
  expect(after.map(({ data }) => data)).toEqual(before.map(({ data }) => data))
})

test('a mailbox without a folder is empty after a restart', async () => {
  await during({}, (resend) => send(resend, '1'))
  expect(await during({}, subjects)).toEqual([])
})

test('only the owner can read the files', async () => {
  const folder = newFolder()
  await during({ folder }, (resend) => send(resend, '1'))
  const [file = ''] = readdirSync(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
})

test.each([
  ['emails', { emails: 2 }],
  ['bytes', { bytes: 250 }],
])('the oldest emails and their files are deleted beyond the limit of %s', async (_, limits) => {
  const folder = newFolder()
  const subject = (n: number) => `${n}`.repeat(100)
  const newest = [subject(3), subject(2)]
  await during({ folder, limits }, async (resend) => {
    await send(resend, subject(1), subject(2), subject(3))
    expect(await subjects(resend)).toEqual(newest)
  })
  expect(readdirSync(folder)).toHaveLength(2)
  expect(await during({ folder, limits }, subjects)).toEqual(newest)
  expect(await during({ folder, limits: { emails: 1 } }, subjects)).toEqual([subject(3)])
  expect(readdirSync(folder)).toHaveLength(1)
})

test('an email above the limit of bytes is kept, alone', async () => {
  const limits = { bytes: 10 }
  await during({ limits }, async (resend) => {
    await send(resend, 'the first of them', 'the second of them')
    expect(await subjects(resend)).toEqual(['the second of them'])
  })
})

test('a cleared mailbox is empty after a restart', async () => {
  const folder = newFolder()
  const mailbox = await startMailbox({ apiKey: API_KEY, folder })
  await send(new Resend(API_KEY, { baseUrl: mailbox.url }), '1', '2')
  await fetch(`${mailbox.url}/mails`, { method: 'DELETE' })
  await mailbox.close()
  expect(readdirSync(folder)).toEqual([])
  expect(await during({ folder }, subjects)).toEqual([])
})

test('a file whose writing was interrupted is deleted', async () => {
  const folder = newFolder()
  await during({ folder }, (resend) => send(resend, '1'))
  writeFileSync(join(folder, '1-broken.json'), '{"id":')
  expect(await during({ folder }, subjects)).toEqual(['1'])
  expect(readdirSync(folder)).toHaveLength(1)
})
