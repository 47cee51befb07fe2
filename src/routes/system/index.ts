import { Hono } from 'hono'
import type { AppEnv } from '../../context.ts'
import { health, live } from './health.ts'
import { jwks } from './jwks.ts'
import { hideWithoutToken, metrics } from './metrics.ts'
import {
  brandStylesheet,
  docs,
  file,
  forgotPasswordPage,
  icon,
  openApiDocument,
  redoc,
  resetPasswordPage,
} from './pages.ts'
import { welcome } from './welcome.ts'

export const system = new Hono<AppEnv>()
  .get('/', ...welcome)
  .get('/health', ...health)
  .get('/health/live', ...live)
  .use('/metrics', hideWithoutToken)
  .get('/metrics', ...metrics)
  .get('/.well-known/jwks.json', ...jwks)
  .get('/docs', ...docs)
  .get('/redoc', ...redoc)
  .get('/openapi.json', ...openApiDocument)
  .get('/reset-password', ...resetPasswordPage)
  .get('/forgot-password', ...forgotPasswordPage)
  .get('/assets/brand.css', ...brandStylesheet)
  .get('/assets/favicon.svg', ...icon)
  .get('/assets/*', ...file)
