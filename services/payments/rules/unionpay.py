"""UnionPay's money: whose it is in our books, under which references and numbers. No I/O."""

import re
from datetime import date
from uuid import UUID

from .accounts import held_by_bank
from .orders import CROCKFORD, order_number

INSTITUTION = "UNIONPAY"
"""UnionPay among the banks: its money is bank money (contracts: five channels)."""

ACCOUNT = held_by_bank(INSTITUTION)
"""What UnionPay has collected and not yet settled with us."""

BOOK = f"YH{INSTITUTION}"
"""The book of the receipts for its money, like a bank's."""

_UNDOING = 1 << 128
_IDENTIFIER = _UNDOING - 1
_NUMBER = re.compile(f"([0-9]{{6}})([{CROCKFORD}]{{26}})")


def reference(settled_on: date, query_id: str) -> str:
    """A payment's reference in our books, like a bank's: institution, accounting day, number there (queryId)."""
    return f"{INSTITUTION}/{settled_on:%Y%m%d}/{query_id}"


def query_id_of(payment_reference: str) -> str:
    """The queryId in a payment's reference."""
    return payment_reference.split("/", maxsplit=2)[2]


def settled_on(payment_reference: str) -> date:
    """The accounting day in a payment's reference."""
    day = payment_reference.split("/", maxsplit=2)[1]
    return date(int(day[:4]), int(day[4:6]), int(day[6:]))


def back_number(pool: str, refund_id: UUID, *, undoing: bool) -> str:
    """The orderId under which a refund is carried out: 32 characters, because the day's file cuts longer ones.

    Undoing a payment (31) and refunding it (04) have a number each, so that the second can follow a refused first.
    """
    return order_number(pool, refund_id.int | (_UNDOING if undoing else 0))


def refund_of_back_number(number: str) -> tuple[str, UUID] | None:
    """Pool and identifier of the refund behind such a number; None where it is none.

    An order's number reads the same way and leads to no refund.
    """
    found = _NUMBER.fullmatch(number)
    if found is None:
        return None
    value = 0
    for mark in found[2]:
        value = value << 5 | CROCKFORD.index(mark)
    return found[1], UUID(int=value & _IDENTIFIER)
