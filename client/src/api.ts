// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.

import type { AccessToken, CallOptions, NoInput } from './types.ts'

export type UserRead = {
  id: number
  username: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  created_at: string
  updated_at: string
}

export type TokenPair = {
  /** JWT (EdDSA). Verify it with the keys at /.well-known/jwks.json */
  access_token: string
  /** Opaque. Each refresh replaces it. Absent in cookie mode */
  refresh_token?: string
  token_type: 'bearer'
  /** Seconds until the access token expires */
  expires_in: number
}

export type Message = {
  message: string
}

export type UserExport = {
  exported_at: string
  account: UserRead
  password_reset: {
    issued_at: string
    expires_at: string
  } | null
  sessions: {
    items: {
      id: string
      device: string | null
      place: string | null
      created_at: string
      last_used_at: string
      expires_at: string
      is_open: boolean
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  networks: {
    items: {
      network: string
      last_login_at: string
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  pending_emails: {
    items: {
      kind: string
      recipient: string
      created_at: string
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  attempts: {
    items: {
      key: string
      count: number
      resets_at: string
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  audit_events: {
    items: {
      at: string
      action: string
      outcome: 'success' | 'failure'
      reason: string | null
      actor_kind: ('user' | 'admin') | null
      /** What changed: names of fields; for roles and states the old and the new value */
      details: Record<string, unknown> | null
      request_id: string
      network: string | null
      country: string | null
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
}

export type SessionRead = {
  id: string
  device: string | null
  place: string | null
  created_at: string
  last_used_at: string
  expires_at: string
  current: boolean
}

export type AdminRead = {
  id: number
  username: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superadmin: boolean
  created_at: string
  updated_at: string
}

export type ResetLink = {
  username: string
  email: string
  expires_at: string
}

export type UserList = {
  items: UserRead[]
  total: number
  /** Whether the search matches more users than `total`: at most 10000 are counted */
  total_is_capped: boolean
  page: number
  page_size: number
  total_pages: number
  next_cursor: string | null
}

export type AuditList = {
  items: AuditEvent[]
  next_cursor: string | null
}

export type AuditEvent = {
  id: number
  at: string
  action: string
  outcome: 'success' | 'failure'
  reason: string | null
  actor_kind: ('user' | 'admin') | null
  actor_id: number | null
  target_kind: ('user' | 'admin') | null
  target_id: number | null
  /** What changed: names of fields; for roles and states the old and the new value */
  details: Record<string, unknown> | null
  request_id: string
  network: string | null
  country: string | null
}

/** `error` in the body of a response with status >= 400. */
export type ErrorName =
  | 'BadRequestError'
  | 'BusinessLogicError'
  | 'AuthenticationError'
  | 'AuthorizationError'
  | 'NotFoundError'
  | 'MethodNotAllowedError'
  | 'DuplicateRecordError'
  | 'ConflictError'
  | 'PayloadTooLargeError'
  | 'UnsupportedMediaTypeError'
  | 'ValidationError'
  | 'RateLimitError'
  | 'InternalServerError'
  | 'EmailServiceError'
  | 'ServiceUnavailableError'
  | 'DatabaseError'
  | 'TimeoutError'

/** Every operation of the API under its `operationId`. */
export type Api = {
  /** Register a user */
  registerUser(
    input: {
      /** Unique without regard to case */
      username: string
      /** Unique without regard to case */
      email: string
      /** At least 8 characters, at most 72 bytes in UTF-8; not a common password, not a name of the account */
      password: string
      full_name?: string | null | undefined
    },
    options?: CallOptions,
  ): Promise<UserRead>

  /**
   * Log in
   *
   * By username or email. After ten wrong passwords the account has to wait up to 15 minutes.
   */
  loginUser(
    input: {
      /** The username or the email */
      username?: string | undefined
      email?: string | undefined
      password: string
    },
    options?: CallOptions,
  ): Promise<AccessToken>

  /**
   * Refresh tokens
   *
   * Returns a new pair and invalidates the refresh token. The same token sent again within 30 seconds gets the same pair; an older token is treated as stolen and ends the session. A token that came in the cookie is replaced there, with `X-Refresh-Token: cookie` or without; with 401 the cookie is cleared.
   */
  refreshUserTokens(input?: NoInput, options?: CallOptions): Promise<AccessToken>

  /**
   * Log out
   *
   * In cookie mode the cookie is cleared.
   */
  logoutUser(input?: NoInput, options?: CallOptions): Promise<void>

  /** Change your password */
  changeUserPassword(
    input: {
      current_password: string
      /** At least 8 characters, at most 72 bytes in UTF-8; not a common password, not a name of the account */
      new_password: string
    },
    options?: CallOptions,
  ): Promise<Message>

  /** Get your account */
  getCurrentUser(input?: NoInput, options?: CallOptions): Promise<UserRead>

  /**
   * Update your profile
   *
   * Omitted fields keep their value. When the email changes, the old and the new address are notified.
   */
  updateCurrentUser(
    input: {
      /** Unique without regard to case */
      username?: string | undefined
      /** Unique without regard to case */
      email?: string | undefined
      full_name?: string | null | undefined
    },
    options?: CallOptions,
  ): Promise<UserRead>

  /**
   * Delete your account
   *
   * All sessions end immediately. An admin can restore the account.
   */
  deleteCurrentUser(
    input: {
      password: string
    },
    options?: CallOptions,
  ): Promise<void>

  /**
   * Export your data
   *
   * What is kept about you, as a file (GDPR articles 15 and 20), without the hash of your password. Writes an audit event.
   */
  exportCurrentUser(input?: NoInput, options?: CallOptions): Promise<UserExport>

  /**
   * List your sessions
   *
   * An account has at most 50: a further login ends the one that was not used for longest. By default all are on the first page.
   */
  listUserSessions(
    input?: {
      page?: number | undefined
      page_size?: number | undefined
    },
    options?: CallOptions,
  ): Promise<SessionRead[]>

  /** End your other sessions */
  endOtherUserSessions(input?: NoInput, options?: CallOptions): Promise<void>

  /** End one of your sessions */
  endUserSession(
    input: {
      id: string
    },
    options?: CallOptions,
  ): Promise<void>

  /**
   * Register an admin
   *
   * Requires a superadmin. The first admin of an empty installation registers with the bootstrap token instead and becomes a superadmin.
   */
  registerAdmin(
    input: {
      /** Unique without regard to case */
      username: string
      /** Unique without regard to case */
      email: string
      /** At least 8 characters, at most 72 bytes in UTF-8; not a common password, not a name of the account */
      password: string
      full_name?: string | null | undefined
      is_superadmin?: boolean | undefined
    },
    options?: CallOptions,
  ): Promise<AdminRead>

  /**
   * Log in
   *
   * By username or email. After ten wrong passwords the account has to wait up to 15 minutes.
   */
  loginAdmin(
    input: {
      /** The username or the email */
      username?: string | undefined
      email?: string | undefined
      password: string
    },
    options?: CallOptions,
  ): Promise<AccessToken>

  /**
   * Refresh tokens
   *
   * Returns a new pair and invalidates the refresh token. The same token sent again within 30 seconds gets the same pair; an older token is treated as stolen and ends the session. A token that came in the cookie is replaced there, with `X-Refresh-Token: cookie` or without; with 401 the cookie is cleared.
   */
  refreshAdminTokens(input?: NoInput, options?: CallOptions): Promise<AccessToken>

  /**
   * Log out
   *
   * In cookie mode the cookie is cleared.
   */
  logoutAdmin(input?: NoInput, options?: CallOptions): Promise<void>

  /** Change your password */
  changeAdminPassword(
    input: {
      current_password: string
      /** At least 8 characters, at most 72 bytes in UTF-8; not a common password, not a name of the account */
      new_password: string
    },
    options?: CallOptions,
  ): Promise<Message>

  /**
   * Request a password reset link
   *
   * The response is the same whether or not the account exists.
   */
  requestAdminPasswordReset(
    input: {
      /** Unique without regard to case */
      email: string
    },
    options?: CallOptions,
  ): Promise<Message>

  /**
   * Reset the password
   *
   * The token of a reset link works once. All sessions of the account end.
   */
  resetAdminPassword(
    input: {
      token: string
      /** At least 8 characters, at most 72 bytes in UTF-8; not a common password, not a name of the account */
      new_password: string
    },
    options?: CallOptions,
  ): Promise<Message>

  /**
   * Check a reset link
   *
   * The token is not used, and its link expires when it would have.
   */
  checkAdminPasswordReset(
    input: {
      token: string
    },
    options?: CallOptions,
  ): Promise<ResetLink>

  /** Get your account */
  getCurrentAdmin(input?: NoInput, options?: CallOptions): Promise<AdminRead>

  /**
   * List your sessions
   *
   * An account has at most 50: a further login ends the one that was not used for longest. By default all are on the first page.
   */
  listAdminSessions(
    input?: {
      page?: number | undefined
      page_size?: number | undefined
    },
    options?: CallOptions,
  ): Promise<SessionRead[]>

  /** End your other sessions */
  endOtherAdminSessions(input?: NoInput, options?: CallOptions): Promise<void>

  /** End one of your sessions */
  endAdminSession(
    input: {
      id: string
    },
    options?: CallOptions,
  ): Promise<void>

  /**
   * List users
   *
   * Newest first by default. Page by number, or by `cursor`, which neither skips nor repeats users while others are added.
   */
  listUsers(
    input?: {
      page?: number | undefined
      page_size?: number | undefined
      is_active?: boolean | undefined
      /** Prefix of the username or the email; case is ignored */
      search?: string | undefined
      sort?:
        | '-created_at'
        | 'created_at'
        | 'username'
        | '-username'
        | 'email'
        | '-email'
        | undefined
      /** `next_cursor` of the previous page. `page` is ignored when it is given */
      cursor?: string | undefined
      /** List deleted users instead */
      deleted?: boolean | undefined
    },
    options?: CallOptions,
  ): Promise<UserList>

  /**
   * Get a user
   *
   * Includes deleted users.
   */
  getUser(
    input: {
      id: number
    },
    options?: CallOptions,
  ): Promise<UserRead>

  /**
   * Update a user
   *
   * Disabling or demoting a user ends all their sessions.
   */
  updateUser(
    input: {
      id: number
    } & {
      is_active?: boolean | undefined
      full_name?: string | null | undefined
      /** Superadmins only */
      is_superuser?: boolean | undefined
    },
    options?: CallOptions,
  ): Promise<UserRead>

  /**
   * Delete a user
   *
   * A soft delete: username and email stay taken, and the user can be restored. With `erase` a superadmin removes a deleted user for good, and all that is kept about them but the ids in the audit trail.
   */
  deleteUser(
    input: {
      /** Erase a deleted user. Superadmins only */
      erase?: boolean | undefined
      id: number
    },
    options?: CallOptions,
  ): Promise<void>

  /** Restore a deleted user */
  restoreUser(
    input: {
      id: number
    },
    options?: CallOptions,
  ): Promise<UserRead>

  /** End all sessions of a user */
  signOutUser(
    input: {
      id: number
    },
    options?: CallOptions,
  ): Promise<void>

  /**
   * List audit events
   *
   * Newest first: who did what, to which account, from where, and with which result.
   */
  listAuditEvents(
    input?: {
      action?:
        | 'register'
        | 'login'
        | 'logout'
        | 'oldest_session_ended'
        | 'refresh_token_reuse'
        | 'session_revoked'
        | 'other_sessions_revoked'
        | 'password_change'
        | 'password_reset_requested'
        | 'password_reset'
        | 'profile_update'
        | 'email_change'
        | 'account_deleted'
        | 'user_updated'
        | 'user_deleted'
        | 'user_restored'
        | 'user_sessions_revoked'
        | 'user_erased'
        | 'data_exported'
        | 'admin_disabled'
        | 'admin_enabled'
        | 'admin_role_changed'
        | 'admin_sessions_revoked'
        | undefined
      outcome?: 'success' | 'failure' | undefined
      actor_kind?: 'user' | 'admin' | undefined
      actor_id?: number | undefined
      target_kind?: 'user' | 'admin' | undefined
      target_id?: number | undefined
      since?: string | undefined
      until?: string | undefined
      page_size?: number | undefined
      cursor?: string | undefined
    },
    options?: CallOptions,
  ): Promise<AuditList>

  /**
   * Request a password reset link
   *
   * The response is the same whether or not the account exists.
   */
  requestUserPasswordReset(
    input: {
      /** Unique without regard to case */
      email: string
    },
    options?: CallOptions,
  ): Promise<Message>

  /**
   * Reset the password
   *
   * The token of a reset link works once. All sessions of the account end.
   */
  resetUserPassword(
    input: {
      token: string
      /** At least 8 characters, at most 72 bytes in UTF-8; not a common password, not a name of the account */
      new_password: string
    },
    options?: CallOptions,
  ): Promise<Message>

  /**
   * Check a reset link
   *
   * The token is not used, and its link expires when it would have.
   */
  checkUserPasswordReset(
    input: {
      token: string
    },
    options?: CallOptions,
  ): Promise<ResetLink>

  /** Send a test email */
  sendTestEmail(
    input: {
      /** Unique without regard to case */
      to_email: string
    },
    options?: CallOptions,
  ): Promise<Message>
}

/**
 * Method, path, and: `json` for input in a body instead of the query, `bearer` for an access token,
 * `login`, `refresh`, `logout` and `ends` for what happens to the tokens.
 */
export const OPERATIONS: Readonly<Record<keyof Api, string>> = {
  registerUser: 'POST /api/users/register json',
  loginUser: 'POST /api/users/login json login',
  refreshUserTokens: 'POST /api/users/refresh refresh',
  logoutUser: 'POST /api/users/logout logout',
  changeUserPassword: 'POST /api/users/change-password json bearer',
  getCurrentUser: 'GET /api/users/me bearer',
  updateCurrentUser: 'PUT /api/users/me json bearer',
  deleteCurrentUser: 'DELETE /api/users/me json bearer ends',
  exportCurrentUser: 'GET /api/users/me/export bearer',
  listUserSessions: 'GET /api/users/me/sessions bearer',
  endOtherUserSessions: 'DELETE /api/users/me/sessions bearer',
  endUserSession: 'DELETE /api/users/me/sessions/{id} bearer',
  registerAdmin: 'POST /api/admins/register json bearer',
  loginAdmin: 'POST /api/admins/login json login',
  refreshAdminTokens: 'POST /api/admins/refresh refresh',
  logoutAdmin: 'POST /api/admins/logout logout',
  changeAdminPassword: 'POST /api/admins/change-password json bearer',
  requestAdminPasswordReset: 'POST /api/admins/forgot-password json',
  resetAdminPassword: 'POST /api/admins/reset-password json',
  checkAdminPasswordReset: 'POST /api/admins/reset-password/check json',
  getCurrentAdmin: 'GET /api/admins/me bearer',
  listAdminSessions: 'GET /api/admins/me/sessions bearer',
  endOtherAdminSessions: 'DELETE /api/admins/me/sessions bearer',
  endAdminSession: 'DELETE /api/admins/me/sessions/{id} bearer',
  listUsers: 'GET /api/admins/users bearer',
  getUser: 'GET /api/admins/users/{id} bearer',
  updateUser: 'PATCH /api/admins/users/{id} json bearer',
  deleteUser: 'DELETE /api/admins/users/{id} bearer',
  restoreUser: 'POST /api/admins/users/{id}/restore bearer',
  signOutUser: 'DELETE /api/admins/users/{id}/sessions bearer',
  listAuditEvents: 'GET /api/admins/audit bearer',
  requestUserPasswordReset: 'POST /api/password/forgot-password json',
  resetUserPassword: 'POST /api/password/reset-password json',
  checkUserPasswordReset: 'POST /api/password/reset-password/check json',
  sendTestEmail: 'POST /api/password/test-email json bearer',
}
