"""The wire of payments: bodies of requests, answers and events, and the problems it answers with. Amounts are fen."""

from .bills import Bill, BillPage, Line
from .books import Account, Accounts, Collected, CountedSum, Figure, FourWay, Funds, ReceiptFigures, Summary
from .collections import Collection, CollectionPage, Receipt
from .counter import (
    CounterAnswer,
    CounterItem,
    CounterPayment,
    CounterResult,
    PosSlip,
    Shift,
    ShiftClosing,
    ShiftOpening,
)
from .events import AssessmentIssued, BillPaid, CollectionSurplus, RefundSettled
from .fields import BillNo, Body, PoolField, PositiveFen, RegionField
from .problems import (
    BILL_UNKNOWN,
    COLLECTION_UNKNOWN,
    NOT_REFUNDABLE,
    NOT_TAKEN,
    RECEIPT_UNKNOWN,
    REFUND_EXCEEDS,
    REFUND_UNKNOWN,
    SHIFT_CLOSED,
    SHIFT_OF_ANOTHER,
    SHIFT_OPEN,
    SHIFT_UNKNOWN,
)
from .refunds import Refund, RefundOrder

__all__ = [
    "BILL_UNKNOWN",
    "COLLECTION_UNKNOWN",
    "NOT_REFUNDABLE",
    "NOT_TAKEN",
    "RECEIPT_UNKNOWN",
    "REFUND_EXCEEDS",
    "REFUND_UNKNOWN",
    "SHIFT_CLOSED",
    "SHIFT_OF_ANOTHER",
    "SHIFT_OPEN",
    "SHIFT_UNKNOWN",
    "Account",
    "Accounts",
    "AssessmentIssued",
    "Bill",
    "BillNo",
    "BillPage",
    "BillPaid",
    "Body",
    "Collected",
    "Collection",
    "CollectionPage",
    "CollectionSurplus",
    "CountedSum",
    "CounterAnswer",
    "CounterItem",
    "CounterPayment",
    "CounterResult",
    "Figure",
    "FourWay",
    "Funds",
    "Line",
    "PoolField",
    "PosSlip",
    "PositiveFen",
    "Receipt",
    "ReceiptFigures",
    "Refund",
    "RefundOrder",
    "RefundSettled",
    "RegionField",
    "Shift",
    "ShiftClosing",
    "ShiftOpening",
    "Summary",
]
