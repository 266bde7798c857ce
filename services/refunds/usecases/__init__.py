"""What refunds can do: one function per use case, its transactions in plain sight."""

from .applying import apply
from .deciding import check, decide
from .learning import learn_payments
from .paying import ask_again, pay
from .reading import list_applications, read_application, summarise
from .rerouting import reroute
from .settling import settle
from .suite import Refunds

__all__ = [
    "Refunds",
    "apply",
    "ask_again",
    "check",
    "decide",
    "learn_payments",
    "list_applications",
    "pay",
    "read_application",
    "reroute",
    "settle",
    "summarise",
]
