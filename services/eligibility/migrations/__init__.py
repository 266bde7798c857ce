"""The migrations of eligibility."""
