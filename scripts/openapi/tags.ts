/** The navigation of the documentation: sections in their order. The first whose paths match has the operation. */
export const TAGS = [
  {
    name: 'Account',
    description: 'Sign up; read, change, export and delete your own account.',
    paths: /^\/api\/users\/(?:register|me|me\/export)$/,
  },
  {
    name: 'Sessions',
    description:
      'Log in for a pair of tokens, renew it, log out. See where you are logged in, and end it there.',
    paths: /^\/api\/users\/(?!change-password)/,
  },
  {
    name: 'Password',
    description:
      'Change a password that you know; reset one that you forgot by a link in an email.',
    paths: /^\/api\/(?:users\/change-password|password\/(?!test-email))/,
  },
  {
    name: 'Administration',
    description: 'For admins: find and manage users, read the audit trail, test the email service.',
    paths: /^\/api\/(?:admins\/(?:users|audit)|password\/test-email)/,
  },
  {
    name: 'Admins',
    description: 'The accounts of admins. They are apart from those of users, as are their tokens.',
    paths: /^\/api\/admins/,
  },
  {
    name: 'System',
    description: 'Health checks, the public keys of access tokens, documentation. Not limited.',
    paths: /^/,
  },
] as const
