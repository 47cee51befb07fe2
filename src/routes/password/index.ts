import { Hono } from 'hono'
import type { AppEnv } from '../../context.ts'
import { checkReset } from '../account/check-reset.ts'
import { forgotPassword } from '../account/forgot-password.ts'
import { resetPassword } from '../account/reset-password.ts'
import { sendTestEmail } from './test-email.ts'

export const password = new Hono<AppEnv>()
  .post('/forgot-password', ...forgotPassword('user'))
  .post('/reset-password', ...resetPassword('user'))
  .post('/reset-password/check', ...checkReset('user'))
  .post('/test-email', ...sendTestEmail)
