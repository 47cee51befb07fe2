import * as z from 'zod/mini'
import type { AccountType } from '../../db/accounts.ts'
import { databaseUnavailable, defineUnavailable, mailNotConfigured } from '../../errors.ts'
import { log } from '../../log.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { Email, Message } from '../input.ts'

const mailUnavailable = defineUnavailable('Mail is not available right now, please try again')

const ResetRequest = z.object({ email: Email }).check(z.meta({ id: 'ForgotPasswordRequest' }))

const REQUESTED = { message: 'If the email exists, a reset link will be sent' }

/**
 * `POST /forgot-password`: queues the request. The queue's consumer looks the account up, so known and
 * unknown emails get the same response: nothing here knows which it is.
 */
export const forgotPassword = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'requestUserPasswordReset', admin: 'requestAdminPasswordReset' }[
        accountType
      ],
      summary: 'Request a password reset link',
      description: 'The response is the same whether or not the account exists.',
      responses: {
        200: {
          description: 'An email is sent if the account exists',
          schema: Message,
          example: REQUESTED,
        },
      },
      errors: [mailNotConfigured, mailUnavailable],
      // The account is looked up later.
      neverErrors: [databaseUnavailable],
    }),
    json(ResetRequest),
    async (c) => {
      const { email } = c.req.valid('json')
      if (!c.var.config.mail) throw mailNotConfigured()
      await rateLimit(c, 'forgot-password')
      try {
        await c.env.MAIL_QUEUE.send({
          type: 'reset-requested',
          id: crypto.randomUUID(),
          accountType,
          email,
          requestedAt: new Date().toISOString(),
          trace: requestSourceOf(c),
        })
      } catch {
        log(c, 'error', 'mail_queue_unavailable')
        throw mailUnavailable()
      }
      return c.json(REQUESTED, 200)
    },
  )
