/** What `local-world.ts` starts. Tests get it by `inject('world')`. */
export type LocalWorld = {
  bindings: Record<string, string>
  /** Path of a copy of wrangler.toml without `.dev.vars` next to it. */
  wranglerConfig: string
  faultProxyUrl: string
  neonUrl: string
  mailboxUrl: string
}

/** How long `test/fuzz` runs, and its seed (null: a random one). */
export type Fuzzing = { seconds: number; seed: number | null }

declare module 'vitest' {
  interface ProvidedContext {
    world: LocalWorld
    fuzz: Fuzzing
  }
}
