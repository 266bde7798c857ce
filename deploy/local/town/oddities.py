"""What goes wrong between the channels in an ordinary season: taken back, paid twice, paid in the wrong amount."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from .channels import Deposit
from .feeds import moment
from .people import COUNTY, TOWN, Town, quota, stream
from .visits import COUNTERS, HOURS, LAST_DAY, Visit, Visits

_TOO_LITTLE_FEN = -1000
BACK_ON_ITS_WAY = ("bank", "etax", "agent")
"""The channels that take a second payment without asking us; it goes back as it came."""


def add_oddities(town: Town, visits: Visits, ready: Mapping[str, datetime], faults: Collection[str]) -> None:
    """Change and add deposits and visits. Everybody is in one of these at most. `ready` as in `plan_visits`."""
    rng = stream(town.seed, "oddities")
    for channel in ("bank", "agent"):
        for deposit in _some(rng, visits, (channel,), quota(town.residents, 0.002, 2)):
            deposit.reversed_first = True
            deposit.insured, rest = deposit.insured[:1], deposit.insured[1:]
            if rest:
                visits.deposits.all.append(replace(deposit, insured=rest, reversed_first=False))
    _twice_at_a_counter(town, rng, visits)
    for channel in BACK_ON_ITS_WAY:
        _twice(town, rng, visits, channel)
    _wrong_amount(town, rng, visits)
    _unknown_bill(town, rng, visits)
    if "day26" in faults:
        _on_closed_days(rng, visits, ready)


def _some(rng: Random, visits: Visits, channels: Sequence[str], count: int) -> list[Deposit]:
    """Deposits of the channels, early enough for what follows, of which nothing odd has been said yet."""
    touched = {person for deposit in visits.deposits.all if deposit.odd for person in deposit.insured}
    touched |= {person for visit in visits.all if visit.double or visit.suspense for person in visit.insured}
    plain = [
        deposit
        for deposit in visits.deposits.all
        if deposit.channel in channels
        and not deposit.odd
        and deposit.at.date() <= date(2021, 12, 18)
        and not touched.intersection(deposit.insured)
    ]
    return rng.sample(plain, min(count, len(plain)))


def _open_day(day: date) -> date:
    while day.day > 25:
        day += timedelta(days=1)
    return min(day, LAST_DAY)


def _twice_at_a_counter(town: Town, rng: Random, visits: Visits) -> None:
    """Paid by telephone, and some days later by card at a counter: the terminal asks nobody."""
    channels = [channel for channel in ("wechat", "bank", "etax", "agent") if visits.deposits.of(channel)]
    for channel in channels:
        for deposit in _some(rng, visits, (channel,), quota(town.residents, 0.001)):
            day = _open_day(deposit.at.date() + timedelta(days=rng.randint(2, 6)))
            hall = rng.choice((TOWN, COUNTY))
            counter = rng.choice([counter for counter in COUNTERS if counter.region == hall])
            payer, insured = (deposit.payer_name, deposit.payer_number), deposit.insured[:1]
            visit = Visit(moment(day, *HOURS[1]), counter, "pos", *payer, insured, double=True)
            visits.all.append(visit)
            visits.doubles.append(visit)


def _twice(town: Town, rng: Random, visits: Visits, channel: str) -> None:
    """Paid through one channel, and some days later through another one that does not ask us first."""
    others = [other for other in ("wechat", "bank", "etax", "agent") if other != channel]
    for first in _some(rng, visits, others, quota(town.residents, 0.001)):
        day = _open_day(first.at.date() + timedelta(days=rng.randint(2, 6)))
        at = moment(day, 11, 15)
        second = replace(first, at=at, channel=channel, insured=first.insured[:1], expected="surplus")
        second.institution, second.e_channel = "RCB140522" if channel == "bank" else "", "wechat"
        visits.deposits.all.append(second)


def _wrong_amount(town: Town, rng: Random, visits: Visits) -> None:
    """Somebody pays ten yuan too little at the tax bureau's page, and the right amount some days later."""
    for right in _some(rng, visits, ("etax", "wechat"), quota(town.residents, 0.0015, 2)):
        wrong = replace(right, channel="etax", insured=right.insured[:1], expected="suspense")
        wrong.difference_fen = _TOO_LITTLE_FEN
        right.at = moment(_open_day(right.at.date() + timedelta(days=3)), 19, 5)
        visits.deposits.all.append(wrong)


def _unknown_bill(town: Town, rng: Random, visits: Visits) -> None:
    """Somebody types a bill number that is nobody's at the tax bureau's page, and the right one two days later."""
    for right in _some(rng, visits, ("etax",), quota(town.residents, 0.0005)):
        number = COUNTY + "".join(rng.choices("23456789ABCDEFGHJKMNPQRSTVWXYZ", k=16))
        wrong = replace(right, insured=right.insured[:1], expected="suspense", wrong_bill_no=number)
        right.at = moment(_open_day(right.at.date() + timedelta(days=2)), 20, 15)
        visits.deposits.all.append(wrong)


def _on_closed_days(rng: Random, visits: Visits, ready: Mapping[str, datetime]) -> None:
    """By card and at the tax bureau's page on the 26th: that money is there, and waits in suspense (S004-07)."""
    odd = {person for visit in visits.all if visit.double for person in visit.insured}
    odd |= {person for deposit in visits.deposits.all if deposit.odd for person in deposit.insured}

    def comes_later(paid: Visit | Deposit, day: date) -> bool:
        return paid.at.date() > day + timedelta(days=4) and ready[paid.insured[0].number].date() < day

    for month in (9, 10, 11):
        day = date(2021, month, 26)
        by_page = [each for each in _some(rng, visits, ("etax",), 40) if comes_later(each, day)]
        for deposit in by_page[:1]:
            wrong = replace(deposit, at=moment(day, 12, 30), insured=deposit.insured[:1], expected="suspense")
            visits.deposits.all.append(wrong)
        cards = [visit for visit in visits.all if visit.method == "pos" and comes_later(visit, day)]
        plain = [visit for visit in cards if not odd.intersection(visit.insured)]
        for visit in rng.sample(plain, min(1, len(plain))):
            odd.update(visit.insured)
            wrong_day = moment(day, *HOURS[0])
            visits.all.append(replace(visit, at=wrong_day, insured=visit.insured[:1], suspense=True))
