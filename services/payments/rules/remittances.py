"""Remittance (上解): collected money goes village → town → special account on slips (缴款单). No I/O."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from shared.clock import SHANGHAI, business_day
from shared.graph import Graph

from .accounts import held_by_agent, held_by_counter, held_by_town


class SlipStatus(StrEnum):
    """缴款单, and likewise the receipt of a claim: written by one person, confirmed or rejected by another."""

    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class SlipAct(StrEnum):
    """What happens to a slip."""

    SUBMIT = "submit"
    CONFIRM = "confirm"
    REJECT = "reject"


SLIP_TRANSITIONS = Graph(
    SlipStatus,
    SlipAct,
    {
        (None, SlipAct.SUBMIT): SlipStatus.SUBMITTED,
        (SlipStatus.SUBMITTED, SlipAct.CONFIRM): SlipStatus.CONFIRMED,
        (SlipStatus.SUBMITTED, SlipAct.REJECT): SlipStatus.REJECTED,
    },
)
"""Every way a slip begins (from None) and changes; drawn in docs/agents.md. A rejected slip sets its receipts free."""


class ItemFault(StrEnum):
    """Why a receipt, a collection or a slip cannot stand in a slip, or the slip not go where it should."""

    UNKNOWN = "unknown"
    OF_ANOTHER = "of_another"
    REVERSED = "reversed"
    NOT_CONFIRMED = "not_confirmed"
    NOT_CLOSED = "not_closed"
    NO_CASH = "no_cash"
    IN_ANOTHER_SLIP = "in_another_slip"
    NO_TOWN = "no_town"


class Items(StrEnum):
    """What stands in a slip: an agent's money, a town's slips, or a counter's shifts."""

    COLLECTIONS = "collections"
    SLIPS = "slips"
    SHIFTS = "shifts"


@dataclass(frozen=True)
class Holder:
    """Who holds money on its way up, as the account says: an agent by a ledger, a town, or a counter its cash."""

    ledger_id: UUID | None = None
    town: str | None = None
    counter: str | None = None

    @classmethod
    def of(cls, account: str) -> Self:
        """From `held/agent/<ledger_id>`, `held/town/<nine digits>` or `held/counter/<code>`.

        Raises ValueError for anything else.
        """
        key = account.rpartition("/")[2]
        if account == held_by_agent(key):
            return cls(ledger_id=UUID(key))
        if account == held_by_town(key):
            return cls(town=key)
        if account == held_by_counter(key):
            return cls(counter=key)
        raise ValueError(f"{account} is no agent's account, no town's and no counter's")

    @property
    def account(self) -> str:
        """The account again."""
        if self.counter:
            return held_by_counter(self.counter)
        return held_by_agent(self.ledger_id) if self.ledger_id else held_by_town(self.town or "")

    @property
    def items(self) -> "Items":
        """What stands in a slip of this holder."""
        if self.counter:
            return Items.SHIFTS
        return Items.COLLECTIONS if self.ledger_id else Items.SLIPS


def town_of(region: str) -> str | None:
    """The town in which a region lies: its first nine digits; None above a town."""
    return region[:9] if len(region) >= 9 else None


def overdue_before(as_of: datetime, days: int) -> datetime:
    """Money held since before this instant has been held longer than `days` business days' ends."""
    first: date = business_day(as_of) - timedelta(days=days)
    return datetime.combine(first, time(), SHANGHAI)
