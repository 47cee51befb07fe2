import { buildOpenApi } from '../openapi.ts'

/** The document that this checkout builds. */
export const DOCUMENT = buildOpenApi()
