export type Hash = Map<string, string>

interface Entry {
  value: string | Hash
  /** Milliseconds since 1970. Without it, the key does not expire. */
  expiresAt?: number
}

/** The keys, their values and their expiry. */
export class Keyspace {
  /** Milliseconds since 1970. The engine sets it once for each command, script or transaction. */
  now = 0
  readonly #entries = new Map<string, Entry>()

  /** Deletes the key first if it has expired. */
  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.expiresAt === undefined || entry.expiresAt > this.now) return entry
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
  }

  /** @returns whether the key existed */
  delete(key: string): boolean {
    return this.find(key) !== undefined && this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** The keys that have not expired. The others are deleted. */
  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.find(key))
  }
}
