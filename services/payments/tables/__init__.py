"""Tables of payments: the last line of defence. `pool` comes first in every key."""

from .agents import agent_device, ledger, ledger_line
from .bank import bank_check, bank_journal
from .bills import bill
from .counter import shift
from .ledger import refund, transfer
from .metadata import metadata
from .money import collection, receipt, receipt_book, submission
from .orders import channel_message, channel_order
from .remittances import claim_receipt, remittance, remittance_part, remittance_receipt
from .statements import statement, statement_break, statement_match, statement_row
from .tax import tax_event, tax_nonce

__all__ = [
    "agent_device",
    "bank_check",
    "bank_journal",
    "bill",
    "channel_message",
    "channel_order",
    "claim_receipt",
    "collection",
    "ledger",
    "ledger_line",
    "metadata",
    "receipt",
    "receipt_book",
    "refund",
    "remittance",
    "remittance_part",
    "remittance_receipt",
    "shift",
    "statement",
    "statement_break",
    "statement_match",
    "statement_row",
    "submission",
    "tax_event",
    "tax_nonce",
    "transfer",
]
