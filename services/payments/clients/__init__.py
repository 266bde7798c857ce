"""Typed calls of payments: to registration, and to the channels it acts on itself. One file per partner."""

from .bank import Bank, Payout, PayoutState, banks_of
from .outcomes import Done, Outcome, Refused, Unknown
from .registration import PaidRoster, RegistrationClient
from .tax import TaxOffice
from .tax_assessments import TaxAssessments
from .treasury import ABSENT, TreasuryFront
from .unionpay import UnionPayClient
from .wechat import WechatClient

__all__ = [
    "ABSENT",
    "Bank",
    "Done",
    "Outcome",
    "PaidRoster",
    "Payout",
    "PayoutState",
    "Refused",
    "RegistrationClient",
    "TaxAssessments",
    "TaxOffice",
    "TreasuryFront",
    "UnionPayClient",
    "Unknown",
    "WechatClient",
    "banks_of",
]
