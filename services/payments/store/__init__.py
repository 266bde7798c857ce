"""Every SQL statement of payments, split by subject. Each function works on a pool, in the caller's transaction."""
