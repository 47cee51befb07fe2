import { createHash, timingSafeEqual } from 'node:crypto'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether what a client sent is the secret, in a time that does not depend on it. */
export const isSecret = (sent: string | undefined, secret: string) =>
  timingSafeEqual(digest(sent ?? ''), digest(secret))
