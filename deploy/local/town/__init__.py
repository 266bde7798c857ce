"""An invented town for the local run: people, lists and a planned season, the same bytes for the same seed."""

from .acts import SCHEME, write_town
from .plans import PLANS, Plan
from .regular import UNPLANNED

__all__ = ["PLANS", "SCHEME", "UNPLANNED", "Plan", "write_town"]
