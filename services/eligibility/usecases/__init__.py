"""What eligibility can do: one function per use case, its transactions in plain sight."""

from .feeds import (
    Manifest,
    decide_feed,
    list_feed_statuses,
    list_feeds,
    read_feed,
    receive_feed,
    return_rejected,
    withdraw_feed,
)
from .matching import decide_case, list_cases
from .moments import Moment, moment
from .persons import look_up_person, read_person, resolve_persons
from .statuses import export_holders, list_holders, query_statuses
from .suite import Eligibility
from .suppliers import list_suppliers, read_supplier, set_agreement
from .sweeping import take_feeds

__all__ = [
    "Eligibility",
    "Manifest",
    "Moment",
    "decide_case",
    "decide_feed",
    "export_holders",
    "list_cases",
    "list_feed_statuses",
    "list_feeds",
    "list_holders",
    "list_suppliers",
    "look_up_person",
    "moment",
    "query_statuses",
    "read_feed",
    "read_person",
    "read_supplier",
    "receive_feed",
    "resolve_persons",
    "return_rejected",
    "set_agreement",
    "take_feeds",
    "withdraw_feed",
]
