interface ImportMetaEnv {
  /** From .env, .env.local or the shell. */
  readonly VITE_ACCOUNTS_URL: string
}
