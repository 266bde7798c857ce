"""The state graphs of payments, by the table whose rows they move."""

from collections.abc import Mapping
from typing import Any

from shared.graph import Graph

from .bank import JOURNAL_TRANSITIONS
from .blocks import BLOCK_TRANSITIONS
from .cards import CARD_TRANSITIONS
from .channel_files import FILE_TRANSITIONS
from .ledger_batches import BATCH_TRANSITIONS
from .ledgers import LEDGER_TRANSITIONS
from .orders import MESSAGE_TRANSITIONS, ORDER_TRANSITIONS
from .receipts import CANCELLATION_TRANSITIONS, RECEIPT_TRANSITIONS, SEGMENT_TRANSITIONS
from .reconciling import BREAK_TRANSITIONS, STATEMENT_TRANSITIONS
from .refunding import REFUND_TRANSITIONS
from .remittances import SLIP_TRANSITIONS
from .settlements import SETTLEMENT_TRANSITIONS
from .settling import BILL_TRANSITIONS, COLLECTION_TRANSITIONS
from .shifts import SHIFT_TRANSITIONS
from .tax_assessments import TAX_BATCH_TRANSITIONS, TAX_LINE_TRANSITIONS
from .treasury import PACKAGE_TRANSITIONS, REFUND_PACKAGE_TRANSITIONS
from .withholding import (
    AGREEMENT_TRANSITIONS,
    LINE_TRANSITIONS,
    RETURN_TRANSITIONS,
    WITHHOLDING_TRANSITIONS,
)

GRAPHS: Mapping[str, Graph[Any, Any]] = {
    "bill": BILL_TRANSITIONS,
    "collection": COLLECTION_TRANSITIONS,
    "shift": SHIFT_TRANSITIONS,
    "pos_sale": CARD_TRANSITIONS,
    "channel_order": ORDER_TRANSITIONS,
    "channel_message": MESSAGE_TRANSITIONS,
    "channel_file": FILE_TRANSITIONS,
    "receipt": RECEIPT_TRANSITIONS,
    "receipt_cancellation": CANCELLATION_TRANSITIONS,
    "receipt_segment": SEGMENT_TRANSITIONS,
    "refund": REFUND_TRANSITIONS,
    "bank_journal": JOURNAL_TRANSITIONS,
    "receipt_block": BLOCK_TRANSITIONS,
    "ledger": LEDGER_TRANSITIONS,
    "ledger_batch": BATCH_TRANSITIONS,
    "remittance": SLIP_TRANSITIONS,
    "claim_receipt": SLIP_TRANSITIONS,
    "statement": STATEMENT_TRANSITIONS,
    "statement_break": BREAK_TRANSITIONS,
    "settlement": SETTLEMENT_TRANSITIONS,
    "tax_batch": TAX_BATCH_TRANSITIONS,
    "tax_batch_line": TAX_LINE_TRANSITIONS,
    "treasury_package": PACKAGE_TRANSITIONS,
    "refund_package": REFUND_PACKAGE_TRANSITIONS,
    "agreement": AGREEMENT_TRANSITIONS,
    "withholding": WITHHOLDING_TRANSITIONS,
    "withholding_line": LINE_TRANSITIONS,
    "withholding_return": RETURN_TRANSITIONS,
}
"""A submission (缴费报文) has no states: it is written once, together with the collection that it became."""
