"""What eligibility can do: one function per use case, its transactions in plain sight."""

from .erasing import decide_erasure, list_erasures, request_erasure
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
from .retained import RETAINED
from .sealed import SEALED
from .signing import add_key, forget_supplier_nonces, list_keys, revoke_key, signed_caller, verify_upload
from .statuses import export_holders, export_statuses, list_holders, query_statuses
from .suite import Eligibility
from .suppliers import list_suppliers, read_supplier, set_agreement
from .sweeping import take_feeds
from .uniting import settle_merges

__all__ = [
    "RETAINED",
    "SEALED",
    "Eligibility",
    "Manifest",
    "Moment",
    "add_key",
    "decide_case",
    "decide_erasure",
    "decide_feed",
    "decide_merge",
    "export_holders",
    "export_statuses",
    "forget_supplier_nonces",
    "hash_names",
    "list_cases",
    "list_erasures",
    "list_feed_statuses",
    "list_feeds",
    "list_holders",
    "list_keys",
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
    "request_erasure",
    "resolve_persons",
    "return_rejected",
    "revoke_key",
    "set_agreement",
    "settle_merges",
    "signed_caller",
    "take_feeds",
    "verify_upload",
    "withdraw_decision",
    "withdraw_feed",
]
