import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig, loadEnv } from 'vite'

/** What a deployment should send with every file. README.md, "Deploy", has them for some hosts. */
const securityHeaders = (accountsUrl: string) => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${URL.canParse(accountsUrl) ? new URL(accountsUrl).origin : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
})

// Not `localhost`, which is another site than 127.0.0.1, where the service runs: its cookies would be
// third-party cookies.
const address = { host: '127.0.0.1', port: 5173, strictPort: true }

/**
 * Where the client is: beside this folder or in node_modules. Otherwise Vite would serve all of the workspace
 * around this folder, with what it keeps from other users of this machine: keys, emails.
 */
const client = dirname(fileURLToPath(import.meta.resolve('edge-accounts-client')))

export default defineConfig(({ mode }) => {
  const { VITE_ACCOUNTS_URL = '' } = loadEnv(mode, import.meta.dirname)
  return {
    plugins: [react()],
    server: { ...address, fs: { allow: ['.', client] } },
    preview: { ...address, headers: securityHeaders(VITE_ACCOUNTS_URL) },
    // No `data:` URLs, which the policy above does not allow.
    build: { assetsInlineLimit: 0 },
  }
})
