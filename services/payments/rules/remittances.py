"""Remittance (上解): collected money goes village → town → special account on slips (缴款单). No I/O."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from shared.clock import SHANGHAI, business_day
from shared.graph import Graph

from .accounts import held_by_agent, held_by_town


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
"""Every way a slip begins (from None) and changes; drawn in the README. A rejected slip sets its receipts free."""


class ItemFault(StrEnum):
    """Why a receipt, a collection or a slip cannot stand in a slip, or the slip not go where it should."""

    UNKNOWN = "unknown"
    OF_ANOTHER = "of_another"
    REVERSED = "reversed"
    NOT_CONFIRMED = "not_confirmed"
    IN_ANOTHER_SLIP = "in_another_slip"
    NO_TOWN = "no_town"


@dataclass(frozen=True)
class Holder:
    """Who holds money on its way up, as the account says: an agent by a ledger, or a town."""

    ledger_id: UUID | None
    town: str | None

    @classmethod
    def of(cls, account: str) -> Self:
        """From `held/agent/<ledger_id>` or `held/town/<nine digits>`. Raises ValueError for anything else."""
        key = account.rpartition("/")[2]
        if account == held_by_agent(key):
            return cls(UUID(key), None)
        if account == held_by_town(key):
            return cls(None, key)
        raise ValueError(f"{account} is neither an agent's account nor a town's")

    @property
    def account(self) -> str:
        """The account again."""
        return held_by_agent(self.ledger_id) if self.ledger_id else held_by_town(self.town or "")


def town_of(region: str) -> str | None:
    """The town in which a region lies: its first nine digits; None above a town."""
    return region[:9] if len(region) >= 9 else None


def overdue_before(as_of: datetime, days: int) -> datetime:
    """Money held since before this instant has been held longer than `days` business days' ends."""
    first: date = business_day(as_of) - timedelta(days=days)
    return datetime.combine(first, time(), SHANGHAI)
