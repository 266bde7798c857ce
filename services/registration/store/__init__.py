"""Every SQL statement of registration, split by subject. Each function works in the caller's transaction."""
