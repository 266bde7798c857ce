"""Tables of payments: the last line of defence. `pool` comes first in every key."""

from .agents import agent_device, ledger, ledger_line
from .bank import bank_check, bank_journal
from .batches import ledger_batch, ledger_batch_line
from .bills import bill
from .blocks import receipt_block, receipt_unissued
from .channel_files import channel_file
from .counter import pos_sale, pos_terminal, shift
from .ledger import refund, transfer
from .metadata import metadata
from .money import collection, receipt, receipt_book, submission
from .orders import channel_message, channel_order
from .receipts import receipt_cancellation, receipt_proof, receipt_segment, receipt_stock, red_receipt, tax_certificate
from .remittances import claim_receipt, remittance, remittance_part, remittance_receipt, remittance_shift
from .settlements import settlement, settlement_line, settlement_turn
from .statements import statement, statement_break, statement_match, statement_row
from .tax import tax_conflict, tax_event, tax_nonce
from .tax_assessments import tax_batch, tax_batch_line, tax_cursor
from .treasury import (
    collection_voucher,
    treasury_counter,
    treasury_package,
    treasury_part,
    treasury_remitted,
    treasury_row,
    treasury_voucher,
)
from .treasury_refunds import refund_account, refund_package, refund_package_item
from .withholding import agreement, agreement_person, withholding, withholding_line, withholding_return

__all__ = [
    "agent_device",
    "agreement",
    "agreement_person",
    "bank_check",
    "bank_journal",
    "bill",
    "channel_file",
    "channel_message",
    "channel_order",
    "claim_receipt",
    "collection",
    "collection_voucher",
    "ledger",
    "ledger_batch",
    "ledger_batch_line",
    "ledger_line",
    "metadata",
    "pos_sale",
    "pos_terminal",
    "receipt",
    "receipt_block",
    "receipt_book",
    "receipt_cancellation",
    "receipt_proof",
    "receipt_segment",
    "receipt_stock",
    "receipt_unissued",
    "red_receipt",
    "refund",
    "refund_account",
    "refund_package",
    "refund_package_item",
    "remittance",
    "remittance_part",
    "remittance_receipt",
    "remittance_shift",
    "settlement",
    "settlement_line",
    "settlement_turn",
    "shift",
    "statement",
    "statement_break",
    "statement_match",
    "statement_row",
    "submission",
    "tax_batch",
    "tax_batch_line",
    "tax_certificate",
    "tax_conflict",
    "tax_cursor",
    "tax_event",
    "tax_nonce",
    "transfer",
    "treasury_counter",
    "treasury_package",
    "treasury_part",
    "treasury_remitted",
    "treasury_row",
    "treasury_voucher",
    "withholding",
    "withholding_line",
    "withholding_return",
]
