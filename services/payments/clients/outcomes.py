"""What a call to a channel came to. Unknown is not failed: it is asked about until it is known.

Outcome ── Done      the channel did it, and its answer says what
        ├─ Refused   the channel did not do it and says why, in its own code
        └─ Unknown   nobody can tell yet: no answer, a failure on its side, or an answer that is not its own
"""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Done(Generic[T]):
    """Done; `value` is what the channel answered."""

    value: T


@dataclass(frozen=True)
class Refused:
    """Not done: the channel's `code`, without underscores and in capitals, and its words."""

    code: str
    message: str


@dataclass(frozen=True)
class Unknown:
    """Not known: `why`, for the log."""

    why: str


Outcome: TypeAlias = Done[T] | Refused | Unknown
