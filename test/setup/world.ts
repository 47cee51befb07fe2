/** What `local-world.ts` starts and every test may use: `inject('world')`. */
export type LocalWorld = {
  /** The variables of a Worker that lives in it. */
  bindings: Record<string, string>
  faultProxyUrl: string
  neonUrl: string
  mailboxUrl: string
}

declare module 'vitest' {
  interface ProvidedContext {
    world: LocalWorld
  }
}
