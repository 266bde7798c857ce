"""What payments can do: one function per use case, its transactions in plain sight."""

from .books import account_balances, four_way, summarise
from .counter import close_shift, open_shift, read_shift, take_counter_payment
from .learning import learn_assessments
from .payback import pay_back, read_refund
from .reading import list_bills, list_collections, read_bill, read_collection, read_receipt
from .reversing import reverse
from .settling import Payment, settle
from .suite import Payments

__all__ = [
    "Payment",
    "Payments",
    "account_balances",
    "close_shift",
    "four_way",
    "learn_assessments",
    "list_bills",
    "list_collections",
    "open_shift",
    "pay_back",
    "read_bill",
    "read_collection",
    "read_receipt",
    "read_refund",
    "read_shift",
    "reverse",
    "settle",
    "summarise",
    "take_counter_payment",
]
