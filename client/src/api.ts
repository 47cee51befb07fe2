// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.

import type { AccessToken, CallOptions, NoInput } from './types.ts'

export type RegisterUserRequest = {
  /** Letters and digits of any script, `_`, `-`, and single dots between them; nothing that reads as a web address. Unique without regard to case. Length in UTF-16 code units */
  username: string
  /** Unique without regard to case */
  email: string
  /** At least 8 characters (PASSWORD_MIN_LENGTH may ask for more) and at most 72 bytes in UTF-8, both in NFKC; not a common password, not a name of the account */
  password: string
  /** Without control characters and invisible ones. Empty is null. Length in UTF-16 code units */
  full_name?: string | null | undefined
}

export type LoginRequest = {
  /** The username or the email. Required without `email` */
  username?: string | undefined
  /** In place of `username` */
  email?: string | undefined
  /** Only the size of the body bounds it */
  password: string
}

export type RefreshTokenRequest = {
  /** If it is absent, the token is that of the cookie */
  refresh_token?: string | undefined
}

export type ChangePasswordRequest = {
  /** Only the size of the body bounds it */
  current_password: string
  /** At least 8 characters (PASSWORD_MIN_LENGTH may ask for more) and at most 72 bytes in UTF-8, both in NFKC; not a common password, not a name of the account */
  new_password: string
}

export type UpdateCurrentUserRequest = {
  /** Letters and digits of any script, `_`, `-`, and single dots between them; nothing that reads as a web address. Unique without regard to case. Length in UTF-16 code units */
  username?: string | undefined
  /** Unique without regard to case */
  email?: string | undefined
  /** Without control characters and invisible ones. Empty is null. Length in UTF-16 code units */
  full_name?: string | null | undefined
}

export type DeleteCurrentUserRequest = {
  /** Only the size of the body bounds it */
  password: string
}

export type RegisterAdminRequest = {
  /** Letters and digits of any script, `_`, `-`, and single dots between them; nothing that reads as a web address. Unique without regard to case. Length in UTF-16 code units */
  username: string
  /** Unique without regard to case */
  email: string
  /** At least 8 characters (PASSWORD_MIN_LENGTH may ask for more) and at most 72 bytes in UTF-8, both in NFKC; not a common password, not a name of the account */
  password: string
  /** Without control characters and invisible ones. Empty is null. Length in UTF-16 code units */
  full_name?: string | null | undefined
  /** May also manage admins and roles, read the audit trail, and erase users */
  is_superadmin?: boolean | undefined
}

export type ForgotPasswordRequest = {
  /** Unique without regard to case */
  email: string
}

export type ResetPasswordRequest = {
  token: string
  /** At least 8 characters (PASSWORD_MIN_LENGTH may ask for more) and at most 72 bytes in UTF-8, both in NFKC; not a common password, not a name of the account */
  new_password: string
}

export type CheckResetLinkRequest = {
  token: string
}

export type UpdateUserRequest = {
  /** False: an admin has disabled the account */
  is_active?: boolean | undefined
  /** Without control characters and invisible ones. Empty is null. Length in UTF-16 code units */
  full_name?: string | null | undefined
  /** Superadmins only */
  is_superuser?: boolean | undefined
}

export type SendTestEmailRequest = {
  /** Unique without regard to case */
  to_email: string
}

export type UserRead = {
  id: number
  username: string
  email: string
  full_name: string | null
  /** False: an admin has disabled the account */
  is_active: boolean
  /** The access token has the role `superuser` */
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
  legacy_password_resets: {
    items: {
      expires_at: string
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  sessions: {
    items: {
      id: string
      /** The `User-Agent` of the login, its first 200 characters */
      device: string | null
      /** Where Cloudflare believes the login came from: city and country */
      place: string | null
      created_at: string
      /** The last refresh, or the login */
      last_used_at: string
      /** When it ends unless it is refreshed before */
      expires_at: string
      is_open: boolean
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  networks: {
    items: {
      /** The network that the request came from, not its address */
      network: string
      last_login_at: string
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  pending_emails: {
    items: {
      /** Which email */
      kind: string
      recipient: string
      created_at: string
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
  attempts: {
    items: {
      /** What is counted */
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
      /** Why it failed, in a fixed word */
      reason: string | null
      actor_kind: ('user' | 'admin') | null
      /** What changed: names of fields; for roles and states the old and the new value */
      details: Record<string, unknown> | null
      /** As in `X-Request-ID` and in the log */
      request_id: string
      /** The network that the request came from, not its address */
      network: string | null
      country: string | null
    }[]
    /** Whether these are all. If not, they are the newest 1000 */
    complete: boolean
  }
}

export type SessionRead = {
  id: string
  /** The `User-Agent` of the login, its first 200 characters */
  device: string | null
  /** Where Cloudflare believes the login came from: city and country */
  place: string | null
  created_at: string
  /** The last refresh, or the login */
  last_used_at: string
  /** When it ends unless it is refreshed before */
  expires_at: string
  /** Whether it is the session of the access token */
  current: boolean
}

export type AdminRead = {
  id: number
  username: string
  email: string
  full_name: string | null
  /** False: an admin has disabled the account */
  is_active: boolean
  /** May also manage admins and roles, read the audit trail, and erase users */
  is_superadmin: boolean
  created_at: string
  updated_at: string
}

export type ResetLink = {
  username: string
  email: string
  /** When the link expires */
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
  /** For the next page, as `cursor`. Null on the last one */
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
  /** Why it failed, in a fixed word */
  reason: string | null
  actor_kind: ('user' | 'admin') | null
  actor_id: number | null
  target_kind: ('user' | 'admin') | null
  target_id: number | null
  /** What changed: names of fields; for roles and states the old and the new value */
  details: Record<string, unknown> | null
  /** As in `X-Request-ID` and in the log */
  request_id: string
  /** The network that the request came from, not its address */
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
  /**
   * Register a user
   *
   * Does not log in: use the new username and password for that.
   */
  registerUser(input: RegisterUserRequest, options?: CallOptions): Promise<UserRead>

  /**
   * Log in
   *
   * By username or email. After ten wrong passwords the account has to wait up to 15 minutes.
   */
  loginUser(input: LoginRequest, options?: CallOptions): Promise<AccessToken>

  /**
   * Refresh tokens
   *
   * Returns a new pair and invalidates the refresh token. The same token sent again within 30 seconds gets the same pair; an older token is treated as stolen and ends the session. A token that came in the cookie is replaced there, with `X-Refresh-Token: cookie` or without; with 401 the cookie is cleared.
   */
  refreshUserTokens(input?: NoInput, options?: CallOptions): Promise<AccessToken>

  /**
   * Log out
   *
   * Ends the session of the refresh token. The response is the same for a token that is already invalid. In cookie mode the cookie is cleared.
   */
  logoutUser(input?: NoInput, options?: CallOptions): Promise<void>

  /**
   * Change your password
   *
   * Ends all other sessions; the one of the access token goes on. A wrong current password counts as a failed login.
   */
  changeUserPassword(input: ChangePasswordRequest, options?: CallOptions): Promise<Message>

  /**
   * Get your account
   *
   * The user whom the access token belongs to.
   */
  getCurrentUser(input?: NoInput, options?: CallOptions): Promise<UserRead>

  /**
   * Update your profile
   *
   * Omitted fields keep their value. When the email changes, the old and the new address are notified.
   */
  updateCurrentUser(input: UpdateCurrentUserRequest, options?: CallOptions): Promise<UserRead>

  /**
   * Delete your account
   *
   * All sessions end immediately. An admin can restore the account.
   */
  deleteCurrentUser(input: DeleteCurrentUserRequest, options?: CallOptions): Promise<void>

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
      /** Number of the page */
      page?: number | undefined
      /** Items on a page */
      page_size?: number | undefined
    },
    options?: CallOptions,
  ): Promise<SessionRead[]>

  /**
   * End your other sessions
   *
   * Log out everywhere else: the session of the access token goes on.
   */
  endOtherUserSessions(input?: NoInput, options?: CallOptions): Promise<void>

  /**
   * End one of your sessions
   *
   * May be the current one. Its tokens stop working at once.
   */
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
  registerAdmin(input: RegisterAdminRequest, options?: CallOptions): Promise<AdminRead>

  /**
   * Log in
   *
   * By username or email. After ten wrong passwords the account has to wait up to 15 minutes.
   */
  loginAdmin(input: LoginRequest, options?: CallOptions): Promise<AccessToken>

  /**
   * Refresh tokens
   *
   * Returns a new pair and invalidates the refresh token. The same token sent again within 30 seconds gets the same pair; an older token is treated as stolen and ends the session. A token that came in the cookie is replaced there, with `X-Refresh-Token: cookie` or without; with 401 the cookie is cleared.
   */
  refreshAdminTokens(input?: NoInput, options?: CallOptions): Promise<AccessToken>

  /**
   * Log out
   *
   * Ends the session of the refresh token. The response is the same for a token that is already invalid. In cookie mode the cookie is cleared.
   */
  logoutAdmin(input?: NoInput, options?: CallOptions): Promise<void>

  /**
   * Change your password
   *
   * Ends all other sessions; the one of the access token goes on. A wrong current password counts as a failed login.
   */
  changeAdminPassword(input: ChangePasswordRequest, options?: CallOptions): Promise<Message>

  /**
   * Request a password reset link
   *
   * The response is the same whether or not the account exists.
   */
  requestAdminPasswordReset(input: ForgotPasswordRequest, options?: CallOptions): Promise<Message>

  /**
   * Reset the password
   *
   * The token of a reset link works once. All sessions of the account end.
   */
  resetAdminPassword(input: ResetPasswordRequest, options?: CallOptions): Promise<Message>

  /**
   * Check a reset link
   *
   * The token is not used, and its link expires when it would have.
   */
  checkAdminPasswordReset(input: CheckResetLinkRequest, options?: CallOptions): Promise<ResetLink>

  /**
   * Get your account
   *
   * The admin whom the access token belongs to.
   */
  getCurrentAdmin(input?: NoInput, options?: CallOptions): Promise<AdminRead>

  /**
   * List your sessions
   *
   * An account has at most 50: a further login ends the one that was not used for longest. By default all are on the first page.
   */
  listAdminSessions(
    input?: {
      /** Number of the page */
      page?: number | undefined
      /** Items on a page */
      page_size?: number | undefined
    },
    options?: CallOptions,
  ): Promise<SessionRead[]>

  /**
   * End your other sessions
   *
   * Log out everywhere else: the session of the access token goes on.
   */
  endOtherAdminSessions(input?: NoInput, options?: CallOptions): Promise<void>

  /**
   * End one of your sessions
   *
   * May be the current one. Its tokens stop working at once.
   */
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
      /** Number of the page */
      page?: number | undefined
      /** Items on a page */
      page_size?: number | undefined
      /** Only active users, or only disabled ones */
      is_active?: boolean | undefined
      /** Prefix of the username or the email; case is ignored */
      search?: string | undefined
      /** A field; `-` for descending */
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
    } & UpdateUserRequest,
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

  /**
   * Restore a deleted user
   *
   * Undoes a deletion that was not an erasure. Sessions stay ended: the user logs in again.
   */
  restoreUser(
    input: {
      id: number
    },
    options?: CallOptions,
  ): Promise<UserRead>

  /**
   * End all sessions of a user
   *
   * Logs the user out everywhere. They may log in again.
   */
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
      /** Only events of this action */
      action?:
        | 'register'
        | 'login'
        | 'logout'
        | 'legacy_refresh_token_exchanged'
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
        | 'accounts_adopted'
        | undefined
      /** Only what succeeded, or only what failed */
      outcome?: 'success' | 'failure' | undefined
      /** The account type of who acted */
      actor_kind?: 'user' | 'admin' | undefined
      /** Who acted, with `actor_kind` */
      actor_id?: number | undefined
      /** The account type of who was acted on */
      target_kind?: 'user' | 'admin' | undefined
      /** Who was acted on, with `target_kind` */
      target_id?: number | undefined
      /** Events at this time or later */
      since?: string | undefined
      /** Events before this time */
      until?: string | undefined
      /** Items on a page */
      page_size?: number | undefined
      /** `next_cursor` of the previous page */
      cursor?: string | undefined
    },
    options?: CallOptions,
  ): Promise<AuditList>

  /**
   * Request a password reset link
   *
   * The response is the same whether or not the account exists.
   */
  requestUserPasswordReset(input: ForgotPasswordRequest, options?: CallOptions): Promise<Message>

  /**
   * Reset the password
   *
   * The token of a reset link works once. All sessions of the account end.
   */
  resetUserPassword(input: ResetPasswordRequest, options?: CallOptions): Promise<Message>

  /**
   * Check a reset link
   *
   * The token is not used, and its link expires when it would have.
   */
  checkUserPasswordReset(input: CheckResetLinkRequest, options?: CallOptions): Promise<ResetLink>

  /**
   * Send a test email
   *
   * Sends it at once and reports what the mail service said.
   */
  sendTestEmail(input: SendTestEmailRequest, options?: CallOptions): Promise<Message>
}

/** The paths of `OPERATIONS` are below it. */
export const API_BASE = '/api/v1'

/**
 * Method, path, and: `json` for input in a body instead of the query, `bearer` for an access token,
 * `login`, `refresh`, `logout` and `ends` for what happens to the tokens.
 */
export const OPERATIONS: Readonly<Record<keyof Api, string>> = {
  registerUser: 'POST /users/register json',
  loginUser: 'POST /users/login json login',
  refreshUserTokens: 'POST /users/refresh refresh',
  logoutUser: 'POST /users/logout logout',
  changeUserPassword: 'POST /users/change-password json bearer',
  getCurrentUser: 'GET /users/me bearer',
  updateCurrentUser: 'PUT /users/me json bearer',
  deleteCurrentUser: 'DELETE /users/me json bearer ends',
  exportCurrentUser: 'GET /users/me/export bearer',
  listUserSessions: 'GET /users/me/sessions bearer',
  endOtherUserSessions: 'DELETE /users/me/sessions bearer',
  endUserSession: 'DELETE /users/me/sessions/{id} bearer',
  registerAdmin: 'POST /admins/register json bearer',
  loginAdmin: 'POST /admins/login json login',
  refreshAdminTokens: 'POST /admins/refresh refresh',
  logoutAdmin: 'POST /admins/logout logout',
  changeAdminPassword: 'POST /admins/change-password json bearer',
  requestAdminPasswordReset: 'POST /admins/forgot-password json',
  resetAdminPassword: 'POST /admins/reset-password json',
  checkAdminPasswordReset: 'POST /admins/reset-password/check json',
  getCurrentAdmin: 'GET /admins/me bearer',
  listAdminSessions: 'GET /admins/me/sessions bearer',
  endOtherAdminSessions: 'DELETE /admins/me/sessions bearer',
  endAdminSession: 'DELETE /admins/me/sessions/{id} bearer',
  listUsers: 'GET /admins/users bearer',
  getUser: 'GET /admins/users/{id} bearer',
  updateUser: 'PATCH /admins/users/{id} json bearer',
  deleteUser: 'DELETE /admins/users/{id} bearer',
  restoreUser: 'POST /admins/users/{id}/restore bearer',
  signOutUser: 'DELETE /admins/users/{id}/sessions bearer',
  listAuditEvents: 'GET /admins/audit bearer',
  requestUserPasswordReset: 'POST /password/forgot-password json',
  resetUserPassword: 'POST /password/reset-password json',
  checkUserPasswordReset: 'POST /password/reset-password/check json',
  sendTestEmail: 'POST /password/test-email json bearer',
}
