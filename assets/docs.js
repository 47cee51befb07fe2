import { post } from './api.js'

const SCHEME = 'bearerAuth' // the security scheme's name in the OpenAPI document
const RENEW_BEFORE_EXPIRY_S = 60

const form = document.getElementById('sign-in')
const formError = document.getElementById('sign-in-error')
const panel = document.getElementById('signed-in')
const panelName = document.getElementById('signed-in-name')
const signOutButton = document.getElementById('sign-out')

// Tokens are only in this variable, so closing or reloading the page discards them.
let session = null

/** Asks for what one can type: browsers send cookies themselves. And begins at the first field, not the last. */
const bearerFirst = () => ({
  statePlugins: {
    auth: {
      wrapSelectors: {
        definitionsToAuthorize: (select) => (state) =>
          select(state)?.filter((scheme) => scheme.first().get('in') !== 'cookie'),
      },
      wrapActions: {
        showDefinitions: (show) => (definitions) => {
          const result = show(definitions)
          requestAnimationFrame(() => document.querySelector('.dialog-ux input')?.focus())
          return result
        },
      },
    },
  },
})

const ui = globalThis.SwaggerUIBundle({
  plugins: [bearerFirst],
  url: '/openapi.json',
  domNode: document.getElementById('swagger-ui'),
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  syntaxHighlight: { theme: 'tomorrow-night' },
  tryItOutEnabled: true,
  validatorUrl: null, // the default sends the document's URL to validator.swagger.io
  onComplete: () => show(), // signing in needs the security scheme in the document
})

function show(error = '') {
  form.hidden = session !== null
  panel.hidden = session === null
  formError.textContent = error
  panelName.textContent = session?.name ?? ''
}

/** Passes new tokens to Swagger UI, and renews them one minute before they expire. */
function keep({ kind, name }, tokens) {
  const wait = Math.max(tokens.expires_in - RENEW_BEFORE_EXPIRY_S, RENEW_BEFORE_EXPIRY_S) * 1000
  session = { kind, name, refreshToken: tokens.refresh_token, timer: setTimeout(renew, wait) }
  ui.preauthorizeApiKey(SCHEME, tokens.access_token)
  show()
}

/** Discards the tokens here and in Swagger UI. @returns the previous session */
function discard(error) {
  const ended = session
  clearTimeout(ended?.timer)
  session = null
  ui.authActions.logout([SCHEME])
  show(error)
  return ended
}

async function renew() {
  const renewing = session
  try {
    const body = { refresh_token: renewing.refreshToken }
    const tokens = await post(`/api/v1/${renewing.kind}/refresh`, body)
    if (session === renewing) keep(renewing, tokens)
  } catch (error) {
    if (session === renewing) discard(`You were signed out: ${error.message}`)
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { username, password, kind } = Object.fromEntries(new FormData(form))
  const button = form.querySelector('button')
  button.disabled = true
  formError.textContent = ''
  try {
    const tokens = await post(`/api/v1/${kind}/login`, { username, password })
    form.reset()
    keep({ kind, name: kind === 'admins' ? `${username} (admin)` : username }, tokens)
    signOutButton.focus()
  } catch (error) {
    show(error.message)
  } finally {
    button.disabled = false
  }
})

signOutButton.addEventListener('click', async () => {
  const { kind, refreshToken } = discard()
  form.elements.username.focus()
  await post(`/api/v1/${kind}/logout`, { refresh_token: refreshToken }).catch((error) => {
    show(`You are signed out here, but the session is still active: ${error.message}`)
  })
})

const dark = matchMedia('(prefers-color-scheme: dark)')
const followScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', followScheme)
followScheme()
