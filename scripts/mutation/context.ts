/** The texts of statements, and what is in their place. */
export type Replacements = Readonly<Record<string, string>>

declare module 'vitest' {
  interface ProvidedContext {
    replacements: Replacements
  }
}

declare global {
  var statements: { mutated(text: string): string; ran(text: string): void }
}
