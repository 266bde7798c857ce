"""The treasury (国库), without I/O: how a package of its becomes whole, what a voucher comes to, when a refund may go.

A day is posted when its package is whole and agrees with its own figures, never in part. Sent again, it takes the
place of the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.graph import Graph

MOST_ROWS = 1000
"""Lines in one part of a package."""

SUCCESS = frozenset({"90000", "90001"})
"""Results of the treasury that mean: done. The second stands in banks' tables beside the first."""


class Message(StrEnum):
    """报文编号: the messages that the treasury sends us."""

    COLLECTION_CHECK = "3122"
    REFUND_CHECK = "3123"
    POSTED = "3126"
    REFUND_ANSWER = "9110"


class PackageState(StrEnum):
    """报文包: from its first part to the next issue of it."""

    INCOMPLETE = "incomplete"
    DIFFERS = "differs"
    ACCEPTED = "accepted"
    REPLACED = "replaced"


class PackageAct(StrEnum):
    """What happens to a package."""

    TAKE_PART = "take_part"
    ACCEPT = "accept"
    DIFFER = "differ"
    REPLACE = "replace"


PACKAGE_TRANSITIONS = Graph(
    PackageState,
    PackageAct,
    {
        (None, PackageAct.TAKE_PART): PackageState.INCOMPLETE,
        (PackageState.INCOMPLETE, PackageAct.TAKE_PART): PackageState.INCOMPLETE,
        (PackageState.INCOMPLETE, PackageAct.ACCEPT): PackageState.ACCEPTED,
        (PackageState.INCOMPLETE, PackageAct.DIFFER): PackageState.DIFFERS,
        (PackageState.INCOMPLETE, PackageAct.REPLACE): PackageState.REPLACED,
        (PackageState.DIFFERS, PackageAct.REPLACE): PackageState.REPLACED,
        (PackageState.ACCEPTED, PackageAct.REPLACE): PackageState.REPLACED,
    },
)
"""Every way a package changes. One that differs from its own figures waits until the treasury sends it again."""

PACKAGE_PATIENCE = timedelta(days=2)
"""How long a package may wait for its other parts, or to be sent again, before somebody is told."""


@dataclass(frozen=True)
class Totals:
    """What a package says of itself and what its parts hold. `told_fen` is None where a message names no sum."""

    told_count: int
    told_fen: int | None
    found_count: int
    found_fen: int


def package_act(parts: int, arrived: int, totals: Totals) -> PackageAct | None:
    """What becomes of a package of which so many parts have arrived; None while one is missing."""
    if arrived < parts:
        return None
    agrees = totals.told_count == totals.found_count and totals.told_fen in (None, totals.found_fen)
    return PackageAct.ACCEPT if agrees else PackageAct.DIFFER


class VoucherResult(StrEnum):
    """What a voucher comes to, compared with the money under it in our books: many to one, to the fen."""

    MATCHED = "matched"
    AMOUNT_DIFFERS = "amount_differs"  # the sum of its money is another
    OURS_MISSING = "ours_missing"  # posted, and no money of ours is under it
    TREASURY_MISSING = "treasury_missing"  # money of ours is under it, and it was not posted in time


@dataclass(frozen=True)
class Times:
    """When money arrived (到账), was posted to the treasury (入库) and remitted up (上解); None: not that we know.

    When it was paid stands in the collection (`paid_at`). `voucher` is the voucher that covers it.
    """

    arrived_on: date | None
    posted_on: date | None
    remitted_on: date | None
    voucher: str | None


class RefundPackageState(StrEnum):
    """退库包 (1104): from the wish to the treasury's answer."""

    BUILT = "built"
    SENT = "sent"
    ANSWERED = "answered"
    REFUSED = "refused"


class RefundPackageAct(StrEnum):
    """What happens to a package of refunds. `build` is ours, the others the treasury's word."""

    BUILD = "build"
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    REFUSE = "refuse"


REFUND_PACKAGE_TRANSITIONS = Graph(
    RefundPackageState,
    RefundPackageAct,
    {
        (None, RefundPackageAct.BUILD): RefundPackageState.BUILT,
        (RefundPackageState.BUILT, RefundPackageAct.ACKNOWLEDGE): RefundPackageState.SENT,
        (RefundPackageState.BUILT, RefundPackageAct.ANSWER): RefundPackageState.ANSWERED,
        (RefundPackageState.BUILT, RefundPackageAct.REFUSE): RefundPackageState.REFUSED,
        (RefundPackageState.SENT, RefundPackageAct.ANSWER): RefundPackageState.ANSWERED,
    },
)
"""An answer may overtake the acknowledgement; a package that was taken is not refused as a whole any more."""

REFUND_PACKAGE_OPEN = frozenset({RefundPackageState.BUILT, RefundPackageState.SENT})
"""Such a package goes to the treasury. Of another one the refunds have ended, and may have gone another way."""

REFUND_PACKAGE_PATIENCE: Mapping[RefundPackageState, timedelta] = {
    RefundPackageState.BUILT: timedelta(hours=1),
    RefundPackageState.SENT: timedelta(days=5),
}
"""How long, by wall time, a package may wait for the treasury; after that somebody is told."""
