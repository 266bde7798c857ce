"""The state graphs of payments, by the table whose rows they move."""

from collections.abc import Mapping
from typing import Any

from shared.graph import Graph

from .bank import JOURNAL_TRANSITIONS
from .ledgers import LEDGER_TRANSITIONS
from .orders import MESSAGE_TRANSITIONS, ORDER_TRANSITIONS
from .reconciling import BREAK_TRANSITIONS, STATEMENT_TRANSITIONS
from .refunding import REFUND_TRANSITIONS
from .remittances import SLIP_TRANSITIONS
from .settling import BILL_TRANSITIONS, COLLECTION_TRANSITIONS
from .shifts import SHIFT_TRANSITIONS

GRAPHS: Mapping[str, Graph[Any, Any]] = {
    "bill": BILL_TRANSITIONS,
    "collection": COLLECTION_TRANSITIONS,
    "shift": SHIFT_TRANSITIONS,
    "channel_order": ORDER_TRANSITIONS,
    "channel_message": MESSAGE_TRANSITIONS,
    "refund": REFUND_TRANSITIONS,
    "bank_journal": JOURNAL_TRANSITIONS,
    "ledger": LEDGER_TRANSITIONS,
    "remittance": SLIP_TRANSITIONS,
    "claim_receipt": SLIP_TRANSITIONS,
    "statement": STATEMENT_TRANSITIONS,
    "statement_break": BREAK_TRANSITIONS,
}
"""A submission (缴费报文) has no states: it is written once, together with the collection that it became."""
