import { defineUnavailable } from '../../errors.ts'

export const mailNotConfigured = defineUnavailable('Mail is not configured')
