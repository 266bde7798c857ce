"""The migrations of registration."""
