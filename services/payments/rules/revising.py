"""What a revised or voided assessment does to a bill that stands, without I/O.

Nothing is edited: the bill that stood is voided, another one takes its place, and the money moves to it.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from .settling import BILL_TRANSITIONS, BillAct, BillStatus, first_status


class SurplusReason(StrEnum):
    """Why money is owed back: it came for a paid bill, or what it had paid is not due any more."""

    ALREADY_PAID = "already_paid"
    ASSESSMENT_REVISED = "assessment_revised"
    ASSESSMENT_VOIDED = "assessment_voided"


@dataclass(frozen=True)
class Move:
    """What becomes of the new bill, of the one that stood, and of the money; amounts in fen.

    `stands`: the bill that stood goes on standing and the new one is void from its beginning.
    """

    status: BillStatus
    stands: bool = False
    released_fen: int = 0


def revise(status: BillStatus | None, amount_fen: int, payable_fen: int) -> Move:
    """What a revision to `payable_fen` does where a bill of `amount_fen` stands in `status` (None: none does).

    Paid is paid: less is due → the money pays the new bill and the rest is owed back (A004-10, A004-11); more is due →
    nothing is collected again and the paid bill stands.
    """
    if status is BillStatus.PAID and payable_fen > amount_fen:
        return Move(BILL_TRANSITIONS[None, BillAct.NEVER_DUE], stands=True)
    if status is BillStatus.PAID:
        return Move(BILL_TRANSITIONS[None, BillAct.TAKE_OVER], released_fen=amount_fen - payable_fen)
    return Move(first_status(payable_fen))


def release_subject(collection_id: UUID, cause: object) -> str:
    """The subject of a transfer that releases money of a collection: what it is of, and what made it due back."""
    return f"{collection_id}/{cause}"
