"""Identifiers: UUIDv7, so that rows made one after another lie side by side in their index."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """A fresh UUIDv7."""
    return uuid_utils.compat.uuid7()
