import { Hono } from 'hono'
import type { AppEnv } from '../../context.ts'
import { forgotPassword } from './forgot-password.ts'
import { resetPassword } from './reset-password.ts'
import { sendTestEmail } from './test-email.ts'

export const password = new Hono<AppEnv>()
  .post('/forgot-password', ...forgotPassword)
  .post('/reset-password', ...resetPassword)
  .post('/test-email', ...sendTestEmail)
