"""Tables of eligibility: the last line of defence. `pool` comes first in every key.

person ─┬─ identity_document          whom a document names
        ├─ person_merge ── person_alias  two records of one human being, and who answers since when
        ├─ match_case                 a row without a good number that may mean several, and what was decided
        └─ status_claim · status      what rows say, and what follows from it; hukou likewise
supplier · feed ── feed_rejection     the lists; tie_claim: what they say of newborns
"""

from .feeds import feed, feed_rejection, supplier
from .metadata import metadata
from .persons import identity_document, match_case, person, person_alias, person_merge, tie_claim
from .statuses import hukou, status, status_claim

__all__ = [
    "feed",
    "feed_rejection",
    "hukou",
    "identity_document",
    "match_case",
    "metadata",
    "person",
    "person_alias",
    "person_merge",
    "status",
    "status_claim",
    "supplier",
    "tie_claim",
]
