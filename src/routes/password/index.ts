import { Hono } from 'hono'
import type { AppEnv } from '../../context.ts'
import { forgotPassword } from '../account/forgot-password.ts'
import { resetPassword } from '../account/reset-password.ts'
import { sendTestEmail } from './test-email.ts'

export const password = new Hono<AppEnv>()
  .post('/forgot-password', ...forgotPassword('user'))
  .post('/reset-password', ...resetPassword('user'))
  .post('/test-email', ...sendTestEmail)
