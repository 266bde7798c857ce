"""What payments can do: one function per use case, its transactions in plain sight."""

from .agreements import (
    list_agreements,
    read_agreement,
    record_agreement,
    record_agreements,
    withdraw_agreement,
)
from .asking import ask_refunds
from .bank import BankAnswer, take_bank_message
from .blocks import (
    check_receipt_block,
    give_back_receipt_block,
    issue_receipt_block,
    list_receipt_blocks,
    read_receipt_block,
)
from .books import account_balances, four_way, summarise
from .breaks import approve, export_breaks, list_breaks, propose, read_break
from .cancelling import check_cancellation, list_cancellations, read_cancellation, request_cancellation
from .cards import list_terminals, register_terminal, void_card_sale, withdraw_terminal
from .cash_books import export_cash_book, read_cash_book
from .certificates import list_certificates, record_certificate
from .chain import export_chain, read_chain
from .channel_files import fetch_wechat_bills
from .claims import check_claim_receipt, list_claim_receipts, list_claims, read_claim_receipt, record_claim_receipt
from .concluding import ask_orders, close_superseded_orders
from .counter import take_counter_payment
from .learning import learn_assessments
from .ledger_batches import (
    export_refused_lines,
    list_ledger_batch_lines,
    list_ledger_batches,
    read_ledger_batch,
    receive_ledger_batch,
    take_ledger_batches,
)
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
from .messages import apply_messages, take_notification
from .orders import close_order, create_order, read_order
from .payback import give_up_refund, list_refunds, pay_back, read_refund, settle_refund
from .reading import list_bills, list_collections, read_bill, read_collection
from .receipts import (
    Asked,
    export_receipts,
    print_receipt,
    read_receipt,
    verify_receipt,
)
from .records import list_records
from .refund_accounts import confirm_refund_account, read_refund_account, record_refund_account
from .remitting import (
    check_slip,
    list_overdue,
    list_slip_items,
    list_slips,
    read_slip,
    submit_slip,
)
from .reversing import reverse
from .sealed import SEALED
from .settlements import watch_money, watch_vouchers
from .settling import Payment, settle
from .shifts import book_difference, close_shift, open_shift, read_cash_journal, read_shift
from .statements import (
    judge_statement,
    list_statement_rows,
    list_statements,
    read_reconciliation,
    read_statement,
    receive_statement,
    reconcile_again,
)
from .stock import (
    export_segments,
    hand_out_segment,
    list_proofs,
    list_segments,
    number_books,
    prove_books,
    read_segment,
    write_off_segment,
)
from .suite import Payments
from .taking_statements import take_statements
from .tax import confirm_tax_batch, confirm_tax_payment, forget_tax_nonces, use_up_nonce, verify_tax_message
from .tax_assessments import (
    gather_tax_assessments,
    list_tax_assessments,
    push_tax_assessments,
    send_assessment_again,
)
from .tax_conflicts import explain_tax_conflict, list_tax_conflicts
from .tax_terminals import take_terminal_message
from .treasury import (
    list_collection_differences,
    list_treasury_packages,
    list_vouchers,
    read_treasury_package,
    receive_treasury_package,
)
from .treasury_refunds import (
    build_refund_packages,
    hand_out_refund_package,
    list_refund_differences,
    list_refund_packages,
    send_refund_packages,
    settle_treasury_refunds,
)
from .unionpay import CHANNEL as UNIONPAY
from .unionpay_files import fetch_unionpay_files
from .vouchers import record_remitted, record_voucher, withdraw_remitted, withdraw_voucher
from .wechat import fetch_wechat_certificates, wechat_refund_news
from .withholding import (
    build_withholding,
    cancel_withholding,
    list_withholding_lines,
    list_withholdings,
    read_withholding,
    read_withholding_file,
    release_withholding,
)
from .withholding_returns import judge_return, list_returns, receive_return, take_returns

__all__ = [
    "SEALED",
    "UNIONPAY",
    "Asked",
    "BankAnswer",
    "Payment",
    "Payments",
    "account_balances",
    "apply_messages",
    "approve",
    "ask_orders",
    "ask_refunds",
    "book_difference",
    "build_refund_packages",
    "build_withholding",
    "cancel_withholding",
    "check_cancellation",
    "check_claim_receipt",
    "check_receipt_block",
    "check_slip",
    "close_ledger",
    "close_order",
    "close_shift",
    "close_superseded_orders",
    "confirm_refund_account",
    "confirm_tax_batch",
    "confirm_tax_payment",
    "create_order",
    "explain_tax_conflict",
    "export_breaks",
    "export_cash_book",
    "export_chain",
    "export_receipts",
    "export_refused_lines",
    "export_segments",
    "fetch_unionpay_files",
    "fetch_wechat_bills",
    "fetch_wechat_certificates",
    "forget_tax_nonces",
    "four_way",
    "gather_tax_assessments",
    "give_back_receipt_block",
    "give_up_refund",
    "hand_out_refund_package",
    "hand_out_segment",
    "issue_receipt_block",
    "judge_return",
    "judge_statement",
    "learn_assessments",
    "list_agreements",
    "list_bills",
    "list_breaks",
    "list_cancellations",
    "list_certificates",
    "list_claim_receipts",
    "list_claims",
    "list_collection_differences",
    "list_collections",
    "list_ledger_batch_lines",
    "list_ledger_batches",
    "list_ledger_lines",
    "list_ledgers",
    "list_overdue",
    "list_proofs",
    "list_receipt_blocks",
    "list_records",
    "list_refund_differences",
    "list_refund_packages",
    "list_refunds",
    "list_returns",
    "list_segments",
    "list_slip_items",
    "list_slips",
    "list_statement_rows",
    "list_statements",
    "list_tax_assessments",
    "list_tax_conflicts",
    "list_terminals",
    "list_treasury_packages",
    "list_vouchers",
    "list_withholding_lines",
    "list_withholdings",
    "look_over_statements",
    "number_books",
    "open_ledger",
    "open_shift",
    "pay_back",
    "print_receipt",
    "propose",
    "prove_books",
    "push_tax_assessments",
    "read_agreement",
    "read_bill",
    "read_break",
    "read_cancellation",
    "read_cash_book",
    "read_cash_journal",
    "read_chain",
    "read_claim_receipt",
    "read_collection",
    "read_ledger",
    "read_ledger_batch",
    "read_order",
    "read_receipt",
    "read_receipt_block",
    "read_reconciliation",
    "read_refund",
    "read_refund_account",
    "read_segment",
    "read_shift",
    "read_slip",
    "read_statement",
    "read_treasury_package",
    "read_withholding",
    "read_withholding_file",
    "receive_ledger_batch",
    "receive_return",
    "receive_statement",
    "receive_treasury_package",
    "reconcile_again",
    "record_agreement",
    "record_agreements",
    "record_certificate",
    "record_claim_receipt",
    "record_ledger_lines",
    "record_refund_account",
    "record_remitted",
    "record_voucher",
    "register_device",
    "register_terminal",
    "release_withholding",
    "request_cancellation",
    "reverse",
    "send_assessment_again",
    "send_refund_packages",
    "settle",
    "settle_refund",
    "settle_treasury_refunds",
    "submit_slip",
    "summarise",
    "take_bank_message",
    "take_counter_payment",
    "take_ledger_batches",
    "take_notification",
    "take_returns",
    "take_statements",
    "take_terminal_message",
    "total_ledger",
    "use_up_nonce",
    "verify_receipt",
    "verify_tax_message",
    "void_card_sale",
    "watch_money",
    "watch_reconciliation",
    "watch_vouchers",
    "wechat_refund_news",
    "withdraw_agreement",
    "withdraw_device",
    "withdraw_remitted",
    "withdraw_terminal",
    "withdraw_voucher",
    "write_off_segment",
]
