"""Tables of payments: the last line of defence. `pool` comes first in every key."""

from .bills import bill
from .counter import shift
from .ledger import refund, transfer
from .metadata import metadata
from .money import collection, receipt, receipt_book, submission

__all__ = ["bill", "collection", "metadata", "receipt", "receipt_book", "refund", "shift", "submission", "transfer"]
