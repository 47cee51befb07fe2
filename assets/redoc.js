const SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif'
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace'

/** Stands out from every surface of the color scheme: /assets/brand.css. */
const BRAND = getComputedStyle(document.documentElement).getPropertyValue('--brand').trim()

const typography = {
  fontFamily: SANS,
  headings: { fontFamily: SANS, fontWeight: '600' },
  code: { fontFamily: MONO },
}

const LIGHT = {
  colors: {
    primary: { main: BRAND },
    success: { main: '#14713a' },
    error: { main: '#b3261e' },
  },
  typography,
}

const DARK = {
  colors: {
    primary: { main: BRAND },
    success: { main: '#7ddba3' },
    error: { main: '#ff9d94' },
    warning: { main: '#f2c063' },
    text: { primary: '#e8eaed', secondary: '#a9b0bb' },
    border: { dark: '#343943', light: '#343943' },
    gray: { 50: '#1f2228', 100: '#2a2e36' },
    responses: {
      success: { color: '#7ddba3', backgroundColor: '#1b2a22', tabTextColor: '#7ddba3' },
      error: { color: '#ff9d94', backgroundColor: '#2e1f1f', tabTextColor: '#ff9d94' },
      redirect: { color: '#f2c063', backgroundColor: '#2c2619', tabTextColor: '#f2c063' },
      info: { color: '#8ab4f8', backgroundColor: '#1b2535', tabTextColor: '#8ab4f8' },
    },
  },
  schema: { nestedBackground: '#1f2228', linesColor: '#4a505c', typeNameColor: '#a9b0bb' },
  typography: {
    ...typography,
    code: { ...typography.code, color: '#ff9d94', backgroundColor: '#2a2e36' },
  },
  sidebar: { backgroundColor: '#1a1d22', textColor: '#e8eaed', activeTextColor: BRAND },
  rightPanel: { backgroundColor: '#1a1d22' },
  codeBlock: { backgroundColor: '#101216' },
}

const dark = matchMedia('(prefers-color-scheme: dark)')

globalThis.Redoc.init(
  '/openapi.json',
  {
    theme: dark.matches ? DARK : LIGHT,
    hideSchemaPattern: true,
    nativeScrollbars: true,
    sortRequiredPropsFirst: true,
  },
  document.getElementById('redoc'),
)

// ReDoc reads its colors only once.
dark.addEventListener('change', () => location.reload())
