import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { expect, inject, test, vi } from 'vitest'
import worker from '../../functions/worker.ts'
import { resetToken } from '../../src/security/derived-token.ts'
import { deriveKeys } from '../../src/security/keys.ts'
import { newUser } from '../setup/accounts.ts'
import { environment } from '../setup/api.ts'

test('a reset used before its message is redelivered stays used', async () => {
  const env = environment()
  const { email, caller } = await newUser()
  const id = crypto.randomUUID()
  const body = { type: 'reset-requested', id, email, trace: { requestId: crypto.randomUUID(), network: null, country: null } } as const
  const run = () => worker.queue(createMessageBatch('edge-accounts-mail', [{ id: 'a', timestamp: new Date(), attempts: 1, body }]), env)
  await run()
  const { bindings } = inject('world')
  const keys = deriveKeys({ secretKey: bindings['SECRET_KEY'] ?? '', signingKeys: JSON.parse(bindings['JWT_SIGNING_KEYS'] ?? '').keys })
  const token = resetToken(keys, id)
  const use = (new_password: string) => caller.post('/api/password/reset-password', { token, new_password })
  expect((await use('another horse')).status).toBe(200)
  await run()
  expect((await use('a third horse')).status).toBe(400)
})
