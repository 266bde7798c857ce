"""Through which channel a household pays: how the premiums spread, and what comes in without a clerk of a tax hall.

The notice opens five ways (S004-19, S004-21 to S004-24); how many take which is drawn from the shares of the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from .feeds import moment
from .people import Person, Town, Village

_LEAST = {"counter": 8}  # every kind of visit must occur in the smallest town too
_LEAST_ELSEWHERE = 3
INSTITUTIONS = ("RCB140522", "CCB140500")
UNIONPAY = "UNIONPAY"
"""A bank in the books, and a cashier of its own."""
E_CHANNELS = ("cash", "wechat", "alipay", "bank_app", "bank_card", "unionpay")
_HOURS = ((8, 40), (12, 30), (19, 45), (21, 10))


@dataclass(eq=False)
class Deposit:
    """Somebody pays for one or several people through a channel; `difference_fen` too much (below 0: too little)."""

    at: datetime
    channel: str
    payer_name: str
    payer_number: str | None
    insured: list[Person]
    village: Village
    difference_fen: int = 0
    reversed_first: bool = False  # paid, taken back the same day (冲正, a contrary line), and paid again
    expected: str = "settled"  # or surplus, where it was paid through another channel before; or suspense
    wrong_bill_no: str = ""  # the payer typed this number, which is nobody's
    e_channel: str = "cash"  # agents only: how the payer paid the agent (S004-25)
    institution: str = ""  # banks only

    @property
    def odd(self) -> bool:
        """Whether something about it is out of the ordinary."""
        return self.reversed_first or self.expected != "settled" or self.difference_fen != 0


@dataclass
class Deposits:
    """What comes in without a clerk."""

    all: list[Deposit] = field(default_factory=list)

    def of(self, channel: str) -> list[Deposit]:
        """Those of one channel, by their instants."""
        return sorted((each for each in self.all if each.channel == channel), key=lambda each: each.at)


def share_out(rng: Random, count: int, shares: Mapping[str, float]) -> list[str]:
    """A channel for each of `count` payments, near the shares; channels that are not open leave theirs to the rest."""
    total = sum(shares.values())
    drawn: list[str] = []
    for channel in shares:
        least = _LEAST.get(channel, _LEAST_ELSEWHERE)
        drawn += [channel] * max(least, round(count * shares[channel] / total))
    drawn = (drawn + ["counter"] * count)[:count] if len(drawn) < count else rng.sample(drawn, count)
    while drawn.count("counter") < min(_LEAST["counter"], count):
        drawn[drawn.index(next(channel for channel in drawn if channel != "counter"))] = "counter"
    rng.shuffle(drawn)
    return drawn


def agent_days(rng: Random, town: Town) -> dict[str, list[date]]:
    """By village, the days on which its agent goes from door to door."""
    return {
        village.code: sorted(
            days.first + timedelta(days=n)
            for days in town.plan.rounds
            for n in rng.sample(range((days.last - days.first).days + 1), days.times)
        )
        for village in town.villages
    }


def deposit_instant(rng: Random, channel: str, day: date) -> datetime:
    """When on that day: agents and banks by day, telephones also in the evening."""
    if channel == "agent":
        return moment(day, rng.randint(8, 16), rng.randrange(60))
    return moment(day, *rng.choice(_HOURS[:2] if channel == "bank" else _HOURS))
