import { textOn } from '../../env/brand.ts'
import type { Config } from '../../env.ts'

/**
 * Puts the product into a page: the name as text, the logo, the link to sign in, the rules for passwords.
 * What is not configured is removed.
 */
export function branded(page: Response, config: Config): Response {
  const { signInUrl, passwordMinLength } = config
  const { name, logoUrl } = config.brand
  return new HTMLRewriter()
    .on('[data-project-name]', content(name))
    .on('img[data-logo]', attribute('src', logoUrl))
    .on('link[rel="icon"]', {
      element: (link) =>
        void (logoUrl && link.setAttribute('href', logoUrl).removeAttribute('type')),
    })
    .on('a[data-sign-in]', attribute('href', signInUrl))
    .on('[data-no-sign-in]', { element: (text) => void (signInUrl && text.remove()) })
    .on('input[data-password-min-length]', attribute('minlength', String(passwordMinLength)))
    .on('span[data-password-min-length]', content(String(passwordMinLength)))
    .transform(page)
}

/** Colors the icon of a product without a logo. */
export const brandedIcon = (svg: Response, { brand }: Config): Response =>
  new HTMLRewriter()
    .on('[data-fill]', attribute('fill', brand.fill))
    .on('[data-on-fill]', attribute('fill', brand.onFill))
    .transform(svg)

/**
 * The colors of the brand, for assets/page.css: `--brand` can be read on every surface of the color scheme,
 * and `--on-brand` on it; `--brand-fill` is the color as it was chosen.
 */
export const brandStyles = ({ brand: { fill, onFill, light, dark } }: Config) => `:root {
  --brand: ${light};
  --on-brand: ${textOn(light)};
  --brand-fill: ${fill};
  --on-brand-fill: ${onFill};
}

@media (prefers-color-scheme: dark) {
  :root {
    --brand: ${dark};
    --on-brand: ${textOn(dark)};
  }
}
`

/** As text: markup in it is escaped. */
const content = (text: string) => ({
  element: (element: Element) => void element.setInnerContent(text),
})

const attribute = (name: string, value: string | undefined) => ({
  element: (element: Element) =>
    void (value === undefined ? element.remove() : element.setAttribute(name, value)),
})
