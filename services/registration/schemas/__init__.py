"""The wire of registration: requests, answers, event bodies, problems. Split by subject; names are unique over all."""
