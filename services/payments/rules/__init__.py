"""What payments decides, without I/O: which money settles what, under which numbers, on which accounts."""

from .accounts import (
    HELD,
    PREMIUM,
    SPECIAL_ACCOUNT,
    SURPLUS,
    SUSPENSE,
    claim_account,
    credit_account,
    held_account,
    premium_account,
    takings,
)
from .settling import (
    Bill,
    BillStatus,
    Outcome,
    Reason,
    Verdict,
    Window,
    bill_number,
    judge,
    judge_all,
    receipt_number,
)

__all__ = [
    "HELD",
    "PREMIUM",
    "SPECIAL_ACCOUNT",
    "SURPLUS",
    "SUSPENSE",
    "Bill",
    "BillStatus",
    "Outcome",
    "Reason",
    "Verdict",
    "Window",
    "bill_number",
    "claim_account",
    "credit_account",
    "held_account",
    "judge",
    "judge_all",
    "premium_account",
    "receipt_number",
    "takings",
]
