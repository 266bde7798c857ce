"""What payments can do: one function per use case, its transactions in plain sight."""

from .asking import ask_refunds
from .bank import BankAnswer, take_bank_message
from .books import account_balances, four_way, summarise
from .breaks import approve, export_breaks, list_breaks, propose, read_break
from .claims import check_claim_receipt, list_claim_receipts, list_claims, read_claim_receipt, record_claim_receipt
from .concluding import ask_orders, close_superseded_orders
from .counter import close_shift, open_shift, read_shift, take_counter_payment
from .learning import learn_assessments
from .ledger_lines import record_ledger_lines
from .ledgers import (
    close_ledger,
    list_ledger_lines,
    list_ledgers,
    open_ledger,
    read_ledger,
    register_device,
    total_ledger,
    withdraw_device,
)
from .matching import look_over_statements, watch_reconciliation
from .orders import close_order, create_order, read_order
from .payback import give_up_refund, list_refunds, pay_back, read_refund, settle_refund
from .reading import list_bills, list_collections, read_bill, read_collection, read_receipt
from .remitting import (
    check_slip,
    list_overdue,
    list_slip_items,
    list_slips,
    read_slip,
    submit_slip,
)
from .reversing import reverse
from .settling import Payment, settle
from .statements import (
    judge_statement,
    list_statement_rows,
    list_statements,
    read_reconciliation,
    read_statement,
    receive_statement,
    reconcile_again,
)
from .suite import Payments
from .taking_statements import take_statements
from .tax import confirm_tax_batch, confirm_tax_payment, forget_tax_nonces, use_up_nonce, verify_tax_message
from .wechat import apply_messages, book_wechat, take_wechat_notification, wechat_refund_news

__all__ = [
    "BankAnswer",
    "Payment",
    "Payments",
    "account_balances",
    "apply_messages",
    "approve",
    "ask_orders",
    "ask_refunds",
    "book_wechat",
    "check_claim_receipt",
    "check_slip",
    "close_ledger",
    "close_order",
    "close_shift",
    "close_superseded_orders",
    "confirm_tax_batch",
    "confirm_tax_payment",
    "create_order",
    "export_breaks",
    "forget_tax_nonces",
    "four_way",
    "give_up_refund",
    "judge_statement",
    "learn_assessments",
    "list_bills",
    "list_breaks",
    "list_claim_receipts",
    "list_claims",
    "list_collections",
    "list_ledger_lines",
    "list_ledgers",
    "list_overdue",
    "list_refunds",
    "list_slip_items",
    "list_slips",
    "list_statement_rows",
    "list_statements",
    "look_over_statements",
    "open_ledger",
    "open_shift",
    "pay_back",
    "propose",
    "read_bill",
    "read_break",
    "read_claim_receipt",
    "read_collection",
    "read_ledger",
    "read_order",
    "read_receipt",
    "read_reconciliation",
    "read_refund",
    "read_shift",
    "read_slip",
    "read_statement",
    "receive_statement",
    "reconcile_again",
    "record_claim_receipt",
    "record_ledger_lines",
    "register_device",
    "reverse",
    "settle",
    "settle_refund",
    "submit_slip",
    "summarise",
    "take_bank_message",
    "take_counter_payment",
    "take_statements",
    "take_wechat_notification",
    "total_ledger",
    "use_up_nonce",
    "verify_tax_message",
    "watch_reconciliation",
    "wechat_refund_news",
    "withdraw_device",
]
