"""The migrations of refunds."""
