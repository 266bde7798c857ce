"""What eligibility can do: one function per use case, its transactions in plain sight."""

from .feeds import list_feeds, read_feed, receive_feed, return_rejected
from .persons import look_up_person, query_statuses, read_person, resolve_persons
from .suite import Eligibility
from .taking import take_feeds

__all__ = [
    "Eligibility",
    "list_feeds",
    "look_up_person",
    "query_statuses",
    "read_feed",
    "read_person",
    "receive_feed",
    "resolve_persons",
    "return_rejected",
    "take_feeds",
]
