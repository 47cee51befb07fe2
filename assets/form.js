const notes = new WeakMap()

/** The line under a field: its hint, or what is wrong with it. */
function noteOf(input) {
  const note = document.getElementById(input.getAttribute('aria-describedby'))
  if (!notes.has(note)) notes.set(note, [...note.childNodes])
  return note
}

/** Says what is wrong with a field, and moves there. */
export function showProblem(input, message) {
  const note = noteOf(input)
  note.textContent = message
  note.classList.add('bad')
  input.setAttribute('aria-invalid', 'true')
  input.focus()
}

/** Shows a hint under a field: its own, if there is no other. */
export function showHint(input, hint) {
  const note = noteOf(input)
  if (hint === undefined) note.replaceChildren(...notes.get(note))
  else if (note.textContent !== hint) note.textContent = hint
  note.classList.remove('bad')
  input.removeAttribute('aria-invalid')
}

/** Shows one state of the page, which is a child of `main`. Moving the focus there announces it. */
export function show(id, focused = document.querySelector(`#${id} .title`)) {
  for (const state of document.querySelectorAll('main > [id]')) state.hidden = state.id !== id
  const [title, product] = [`#${id} .title`, '.brand [data-project-name]'].map(
    (selector) => document.querySelector(selector).textContent,
  )
  document.title = `${title} · ${product}`
  focused?.focus()
}

/** Runs `send` when the form is submitted, once at a time. What it throws is shown under the button. */
export function onSubmit(form, send, explain) {
  const [button, problem] = [form.querySelector('[type=submit]'), form.querySelector('.alert')]
  const label = button.querySelector('.button-label')
  const idle = label.textContent
  let isBusy = false

  function setBusy(busy) {
    isBusy = busy
    // Not `disabled`, which would lose the focus.
    button.setAttribute('aria-disabled', String(busy))
    button.classList.toggle('busy', busy)
    label.textContent = busy ? button.dataset.busy : idle
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (isBusy) return
    problem.textContent = ''
    setBusy(true)
    try {
      await send()
    } catch (error) {
      problem.textContent = explain(error)
    }
    setBusy(false)
  })
}
