import { Hono } from 'hono'
import type { AppEnv } from '../../context.ts'
import { changePassword } from '../account/change-password.ts'
import { login } from '../account/login.ts'
import { logout } from '../account/logout.ts'
import { refresh } from '../account/refresh.ts'
import { listOwnSessions, revokeOwnOtherSessions, revokeOwnSession } from '../account/sessions.ts'
import { exportMe } from './export.ts'
import { deleteMe, readMe, updateMe } from './me.ts'
import { register } from './register.ts'

export const users = new Hono<AppEnv>()
  .post('/register', ...register)
  .post('/login', ...login('user'))
  .post('/refresh', ...refresh('user'))
  .post('/logout', ...logout('user'))
  .post('/change-password', ...changePassword('user'))
  .get('/me', ...readMe)
  .put('/me', ...updateMe)
  .delete('/me', ...deleteMe)
  .get('/me/export', ...exportMe)
  .get('/me/sessions', ...listOwnSessions('user'))
  .delete('/me/sessions', ...revokeOwnOtherSessions('user'))
  .delete('/me/sessions/:id', ...revokeOwnSession('user'))
