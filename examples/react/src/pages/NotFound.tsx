import { Card } from '../parts/Card.tsx'
import { Link } from '../router.tsx'

export function NotFound() {
  return (
    <Card title="Page not found" lead="There is nothing at this address.">
      <Link to="/" className="button">
        Go to your account
      </Link>
    </Card>
  )
}
