/** What `local-world.ts` starts and every test may use: `inject('world')`. */
export type LocalWorld = {
  /** The variables of a Worker that lives in it. */
  bindings: Record<string, string>
  /** Path of wrangler.toml, copied to where no `.dev.vars` is. */
  wranglerConfig: string
  faultProxyUrl: string
  neonUrl: string
  mailboxUrl: string
}

/** How long the fuzzer of `test/fuzz` runs, and the seed it starts from (null: a new one). */
export type Fuzzing = { seconds: number; seed: number | null }

declare module 'vitest' {
  interface ProvidedContext {
    world: LocalWorld
    fuzz: Fuzzing
  }
}
