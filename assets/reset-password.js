import { post } from './api.js'
import { explain, explainPassword, tooShort } from './explain.js'
import { onSubmit, show, showHint, showProblem } from './form.js'
import { dropLink, takeLink } from './link.js'
import { STRENGTHS, strengthOf } from './strength.js'

const form = document.getElementById('reset')
const fields = form.querySelector('fieldset')
const account = document.getElementById('account')
const password = document.getElementById('password')
const repeated = document.getElementById('repeated')
const reveal = document.getElementById('reveal')
const meter = document.getElementById('meter')
const status = document.getElementById('status')

let link

const call = (path, body) =>
  post(`/api/v1/${link.isAdmin ? 'admins' : 'password'}/reset-password${path}`, {
    token: link.token,
    ...body,
  })

const isDead = ({ status, errors }) =>
  status === 400 || errors.some(({ field }) => field === 'token')

/** Takes the link of the email, and says whose it is, or that it does not work, before anything is typed. */
async function open() {
  link = takeLink()
  clear()
  if (!link.token) return offerNewLink('missing')
  status.textContent = 'Checking your link'
  show('reset', null)
  const checked = link
  try {
    const { email } = await call('/check')
    if (link !== checked) return
    account.value = email
    document.getElementById('initial').textContent = [...email][0].toUpperCase()
    fields.disabled = false
    status.textContent = ''
    password.focus()
  } catch (error) {
    if (link !== checked) return
    if (isDead(error)) return offerNewLink('dead')
    document.getElementById('unavailable-reason').textContent = explain(error)
    show('unavailable')
  }
}

/** Back to the state of the page as it was loaded: nothing typed remains. */
function clear() {
  form.reset()
  form.querySelector('.alert').textContent = ''
  account.value = ''
  document.getElementById('initial').textContent = ''
  fields.disabled = true
  setVisible(false)
  meter.dataset.level = 0
  for (const input of [password, repeated]) showHint(input)
}

/** The page that sends a new link knows the account from the fragment, which browsers send to no server. */
function offerNewLink(state) {
  dropLink()
  const known = new URLSearchParams()
  if (link.isAdmin) known.set('account', 'admin')
  if (account.value) known.set('email', account.value)
  document.querySelector(`#${state} [href^="/forgot-password"]`).hash = known
  clear()
  show(state)
}

async function save() {
  const { minLength } = password
  if ([...password.value].length < minLength) return showProblem(password, tooShort(minLength))
  if (password.value !== repeated.value) {
    return showProblem(repeated, 'The passwords do not match.')
  }
  try {
    await call('', { new_password: password.value })
  } catch (error) {
    if (isDead(error)) return offerNewLink('dead')
    const problem = explainPassword(error, minLength)
    if (problem === undefined) throw error
    meter.dataset.level = 1
    return showProblem(password, problem)
  }
  dropLink()
  clear()
  show('done')
}

function setVisible(isVisible) {
  for (const input of [password, repeated]) input.type = isVisible ? 'text' : 'password'
  reveal.textContent = isVisible ? 'Hide' : 'Show'
  reveal.setAttribute('aria-label', `${reveal.textContent} passwords`)
}

onSubmit(form, save, explain)

password.addEventListener('input', () => {
  const strength = strengthOf(password.value, password.minLength)
  meter.dataset.level = strength
  showHint(password, STRENGTHS[strength])
})
repeated.addEventListener('input', () => showHint(repeated))
reveal.addEventListener('click', () => setVisible(password.type === 'password'))
document.getElementById('retry').addEventListener('click', open)

// Another link opened on this page changes only the fragment, and loads nothing.
addEventListener('hashchange', open)
open()
