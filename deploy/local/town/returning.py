"""Money that goes back: who asks for it, who checks, decides and pays it, on which days, and which way it goes.

Asking, checking, deciding and paying are the work of several people (S004-29 to S004-31), so they lie days apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .channels import Deposit
from .feeds import moment
from .people import Town, quota, stream
from .plans import Counter, Plan
from .timed import Act, Timed
from .visits import HOURS, Visit, Visits

_DECISIVE = "花名在征缴期后报送，经核实予以退还"  # what the system finds too late is decided with a reason
_UNREGULATED = "政策未规定退费；经核实同一保费缴了两次，多缴的一笔退还缴费人"  # and what no rule speaks of


@dataclass(frozen=True)
class Way:
    """How money goes back: through its channel, or at a counter."""

    method: str
    counter: Counter | None = None


def way_back(town: Town, paid: Visit | Deposit) -> Way:
    """As it came; what an agent has collected goes to the person at the county's counter.

    At a counter of the hall that took it; at the county's where two halls raced, or where somebody joined at the
    county's agency and is insured there (A004-13).
    """
    if isinstance(paid, Deposit):
        return Way("cash", town.plan.counters[-1]) if paid.channel == "agent" else Way(paid.channel)
    rng = stream(town.seed, f"refund {paid.insured[0].number}")
    hall = town.plan.county if paid.race or any(person.joins_late for person in paid.insured) else paid.counter.region
    counter = rng.choice([counter for counter in town.plan.counters if counter.region == hall])
    by_card = paid.method == "pos" and rng.random() < 0.7
    return Way("pos_return" if by_card else "cash", counter)


def going_back(
    town: Town, whose: Act, found_at: datetime, way: Way, *, fate: str | None = None, late: bool = False
) -> list[Timed]:
    """Check, decision and payment of a case by three people on three days.

    `fate`: what becomes of it at the channel first (processing, abnormal); what cannot be brought home is sent another
    way by a person and paid at a counter. `late`: found after the window, so that whoever decides says why.
    """
    rng = stream(town.seed, f"paying back {sorted(whose.values())}")
    check = found_at.date() + timedelta(days=rng.randint(2, 3))
    decide = check + timedelta(days=rng.randint(1, 2))
    pay = decide + timedelta(days=rng.randint(1, 3))
    note = {"note": _DECISIVE} if late else {} if town.plan.regulates_refunds else {"note": _UNREGULATED}
    acts = [
        Timed(moment(check, 9, 30), 4, {"act": "check_refund", "by": "refund-checker", **whose, **note}),
        Timed(moment(decide, 9, 30), 4, {"act": "decide_refund", "by": "refund-approver", **whose, **note}),
        _paid(town.plan, whose, pay, way, fate),
    ]
    if fate == "abnormal":
        otherwise = pay + timedelta(days=rng.randint(2, 3))
        reroute = {"act": "reroute_refund", "by": "refund-approver", **whose, "note": "银行卡已注销，改为窗口现金退付"}
        acts.append(Timed(moment(otherwise, 11), 4, reroute))
        acts.append(_paid(town.plan, whose, otherwise + timedelta(days=1), Way("cash", town.plan.counters[-1]), None))
    return acts


def _paid(plan: Plan, whose: Act, day: date, way: Way, fate: str | None) -> Timed:
    where: Act = {"counter": None, "region": plan.county, "by": "refund-payer"}
    if way.counter:
        where = {"counter": way.counter.code, "region": way.counter.region, "by": f"cashier-{way.counter.terminal}"}
    fields = {"act": "pay_refund", **whose, **where, "shift_day": day.isoformat(), "method": way.method}
    return Timed(moment(day, *HOURS[1]), 4, {**fields, **({"fate": fate} if fate else {})})


def money_back(town: Town, visits: Visits) -> list[Timed]:
    """Back goes what came twice, which the system finds, and what waits in suspense, for which somebody asks."""
    acts = []
    odd: list[Visit | Deposit] = [visit for visit in visits.all if visit.double or visit.suspense]
    for paid in [*odd, *(deposit for deposit in visits.deposits.all if deposit.expected != "settled")]:
        way, at = way_back(town, paid), paid.at
        for whose in _cases(paid):
            if _waits_in_suspense(paid):
                at = moment(paid.at.date() + timedelta(days=1), *HOURS[0])
                acts.append(_asking(at, whose, paid.payer_name, "wrong_payment", expected="requested"))
            acts += going_back(town, whose, at, way)
    return acts + _too_late(town, visits)


def _waits_in_suspense(paid: Visit | Deposit) -> bool:
    return paid.suspense if isinstance(paid, Visit) else paid.expected == "suspense"


def _cases(paid: Visit | Deposit) -> Sequence[Act]:
    """Whose money it is; where nobody can tell, the number that stands on it."""
    if isinstance(paid, Deposit) and paid.wrong_bill_no:
        return [{"bill_no": paid.wrong_bill_no}]
    return [{"insured": person.number} for person in paid.insured]


def _asking(at: datetime, whose: Act, name: str, ground: str, *, expected: str) -> Timed:
    wish = {**whose, "applicant_name": name, "ground": ground, "expected": expected}
    return Timed(at, 4, {"act": "request_refund", "by": "agency-officer-a", **wish})


def _too_late(town: Town, visits: Visits) -> list[Timed]:
    """After the window some want their premium back: refused on the spot, with the reason (S004-30, S004-32)."""
    rng = stream(town.seed, "too late")
    odd = {person for visit in visits.all if visit.double or visit.suspense for person in visit.insured}
    paid = [v for v in visits.all if v.expected_refusal is None and not v.double and not odd.intersection(v.insured)]
    at = moment(date(2021, 12, 28), *HOURS[0])
    return [
        _asking(at, {"insured": visit.insured[0].number}, visit.payer_name, "paid_twice", expected="refused")
        for visit in rng.sample(paid, min(quota(town.residents, 0.001), len(paid)))
    ]
