"""The wire of eligibility: requests, answers, event bodies and problems, split by subject."""

from .feeds import Feed, FeedPage, RestingStatusPage, Withdrawal
from .matches import MatchCasePage, MatchDecided, MatchDecision
from .persons import (
    DocumentOut,
    LookupRequest,
    Person,
    Reason,
    ResolveAnswer,
    Resolved,
    ResolveItem,
    ResolveRequest,
)
from .problems import (
    FEED_NOT_IN_STATE,
    FEED_NOT_TAKEN,
    FEED_UNKNOWN,
    FEED_UNREADABLE,
    FOUR_EYES,
    FULL_LIST_REFUSED,
    KNOWN_AT_IN_FUTURE,
    MANIFEST_DIFFERS,
    MATCH_UNKNOWN,
    NOT_A_CANDIDATE,
    PERSON_UNKNOWN,
    SUPPLIER_UNKNOWN,
)
from .statuses import Holder, HolderPage, StatusAnswer, StatusNews, StatusQuery
from .suppliers import Agreement, Supplier, Suppliers

__all__ = [
    "FEED_NOT_IN_STATE",
    "FEED_NOT_TAKEN",
    "FEED_UNKNOWN",
    "FEED_UNREADABLE",
    "FOUR_EYES",
    "FULL_LIST_REFUSED",
    "KNOWN_AT_IN_FUTURE",
    "MANIFEST_DIFFERS",
    "MATCH_UNKNOWN",
    "NOT_A_CANDIDATE",
    "PERSON_UNKNOWN",
    "SUPPLIER_UNKNOWN",
    "Agreement",
    "DocumentOut",
    "Feed",
    "FeedPage",
    "Holder",
    "HolderPage",
    "LookupRequest",
    "MatchCasePage",
    "MatchDecided",
    "MatchDecision",
    "Person",
    "Reason",
    "ResolveAnswer",
    "ResolveItem",
    "ResolveRequest",
    "Resolved",
    "RestingStatusPage",
    "StatusAnswer",
    "StatusNews",
    "StatusQuery",
    "Supplier",
    "Suppliers",
    "Withdrawal",
]
