import { Hono } from 'hono'
import type { AppEnv } from '../../context.ts'
import { changePassword } from '../account/change-password.ts'
import { checkReset } from '../account/check-reset.ts'
import { forgotPassword } from '../account/forgot-password.ts'
import { login } from '../account/login.ts'
import { logout } from '../account/logout.ts'
import { refresh } from '../account/refresh.ts'
import { resetPassword } from '../account/reset-password.ts'
import { listOwnSessions, revokeOwnOtherSessions, revokeOwnSession } from '../account/sessions.ts'
import { listAudit } from './audit.ts'
import { listUsers } from './list-users.ts'
import { readMe } from './me.ts'
import { registerAdmin } from './register.ts'
import { deleteUser, readUser, restoreUser, revokeUserSessions, updateUser } from './user.ts'

export const admins = new Hono<AppEnv>()
  .post('/register', ...registerAdmin)
  .post('/login', ...login('admin'))
  .post('/refresh', ...refresh('admin'))
  .post('/logout', ...logout('admin'))
  .post('/change-password', ...changePassword('admin'))
  .post('/forgot-password', ...forgotPassword('admin'))
  .post('/reset-password', ...resetPassword('admin'))
  .post('/reset-password/check', ...checkReset('admin'))
  .get('/me', ...readMe)
  .get('/me/sessions', ...listOwnSessions('admin'))
  .delete('/me/sessions', ...revokeOwnOtherSessions('admin'))
  .delete('/me/sessions/:id', ...revokeOwnSession('admin'))
  .get('/users', ...listUsers)
  .get('/users/:id', ...readUser)
  .patch('/users/:id', ...updateUser)
  .delete('/users/:id', ...deleteUser)
  .post('/users/:id/restore', ...restoreUser)
  .delete('/users/:id/sessions', ...revokeUserSessions)
  .get('/audit', ...listAudit)
