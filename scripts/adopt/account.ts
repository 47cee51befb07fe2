/** A row of the old service, and what is said about it. */
export type Account = {
  username: string
  email: string
  full_name: string | null
  hashed_password: string | null
  is_active: boolean
  /** `is_superuser` of a user, `is_superadmin` of an admin. */
  elevated: boolean
  /** As PostgreSQL writes them in UTC, to the microsecond. */
  created_at: string
  updated_at: string
}

export type Field = keyof Account

export const FIELDS: readonly Field[] = [
  ...(['username', 'email', 'full_name', 'hashed_password'] as const),
  ...(['is_active', 'elevated', 'created_at', 'updated_at'] as const),
]

/** A row as the old database has it, as text. A column that its table lacks is undefined. */
export type OldRow = { id: string } & { [Name in Field]?: string | null | undefined }

/** One thing to say about a row. `import`: for information. */
export type Finding = {
  action: 'import' | 'change' | 'reject'
  field: Field | 'id'
  reason: string
  /** The values, but of hashes. */
  old?: string | null
  new?: string | null
  /** Of a rejected row: nobody has to decide about it any more. */
  isDecided?: boolean
}
