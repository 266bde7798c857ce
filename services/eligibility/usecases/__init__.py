"""What eligibility can do: one function per use case, its transactions in plain sight."""

from .feeds import get_feed, list_feeds, receive_feed, return_rejected, take_feeds
from .persons import get_person, look_up_person, query_statuses, resolve_persons
from .suite import Eligibility

__all__ = [
    "Eligibility",
    "get_feed",
    "get_person",
    "list_feeds",
    "look_up_person",
    "query_statuses",
    "receive_feed",
    "resolve_persons",
    "return_rejected",
    "take_feeds",
]
