/** The initials of a name, beside it. */
export function Avatar({ name }: { name: string }) {
  const words = name.split(/[\s._-]+/).filter(Boolean)
  const initials = [words[0], words.length > 1 && words.at(-1)].map((word) => word && [...word][0])
  return (
    <span className="avatar" aria-hidden="true">
      {initials}
    </span>
  )
}
