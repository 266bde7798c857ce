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
from .matching import decide_case, list_cases, withdraw_decision
from .merging import decide_merge, list_merges, propose_merge, read_merge
from .moments import Moment, moment
from .persons import look_up_person, read_person, record_document, resolve_persons
from .register import hash_names
from .statuses import export_holders, list_holders, query_statuses
from .suite import Eligibility
from .suppliers import list_suppliers, read_supplier, set_agreement
from .sweeping import take_feeds
from .uniting import settle_merges

__all__ = [
    "Eligibility",
    "Manifest",
    "Moment",
    "decide_case",
    "decide_feed",
    "decide_merge",
    "export_holders",
    "hash_names",
    "list_cases",
    "list_feed_statuses",
    "list_feeds",
    "list_holders",
    "list_merges",
    "list_suppliers",
    "look_up_person",
    "moment",
    "propose_merge",
    "query_statuses",
    "read_feed",
    "read_merge",
    "read_person",
    "read_supplier",
    "receive_feed",
    "record_document",
    "resolve_persons",
    "return_rejected",
    "set_agreement",
    "settle_merges",
    "take_feeds",
    "withdraw_decision",
    "withdraw_feed",
]
