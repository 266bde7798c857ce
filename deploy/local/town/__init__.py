"""An invented town for the local run: people, lists and a planned season, the same bytes for the same seed."""

from .acts import SCHEME, write_town

__all__ = ["SCHEME", "write_town"]
