"""The season driver: a whole collection season of an invented town, through the public API, as the parties call it."""
