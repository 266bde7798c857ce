"""Typed calls of payments: to registration, and to the channels it acts on itself. One file per partner."""

from .bank import Bank, Payout, PayoutState, banks_of
from .outcomes import Done, Outcome, Refused, Unknown
from .registration import PaidRoster, RegistrationClient
from .tax import TaxOffice
from .wechat import WechatClient

__all__ = [
    "Bank",
    "Done",
    "Outcome",
    "PaidRoster",
    "Payout",
    "PayoutState",
    "Refused",
    "RegistrationClient",
    "TaxOffice",
    "Unknown",
    "WechatClient",
    "banks_of",
]
