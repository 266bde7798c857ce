"""Every SQL statement of eligibility, split by subject. Each works on a pool, in the caller's transaction."""
