"""Tables of eligibility: the last line of defence. `pool` comes first in every key.

person ─┬─ identity_document          whom a document names
        ├─ person_merge ── person_alias  two records of one human being, and who answers since when
        ├─ person_erasure             that name and numbers are to go, and did
        ├─ match_case                 a row without a good number that may mean several, and what was decided
        └─ status_claim · status      what rows say, and what follows from it; hukou likewise
supplier · feed ── feed_rejection     the lists; tie_claim: what they say of newborns
supplier_key ── supplier_nonce        with what departments' own systems sign, and what they have signed lately
number_turn                         locked by whoever records new numbers while look-up keys are changed
"""

from .feeds import feed, feed_rejection, supplier, supplier_key, supplier_nonce
from .metadata import metadata
from .persons import (
    identity_document,
    match_case,
    number_turn,
    person,
    person_alias,
    person_erasure,
    person_merge,
    tie_claim,
)
from .statuses import hukou, status, status_claim

__all__ = [
    "feed",
    "feed_rejection",
    "hukou",
    "identity_document",
    "match_case",
    "metadata",
    "number_turn",
    "person",
    "person_alias",
    "person_erasure",
    "person_merge",
    "status",
    "status_claim",
    "supplier",
    "supplier_key",
    "supplier_nonce",
    "tie_claim",
]
