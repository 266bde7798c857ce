"""Acts at the counters of the tax halls, and paying back what came twice or wrongly, whatever the channel."""

import json
from datetime import date, datetime, timedelta

from .channels import Deposit
from .feeds import moment
from .people import COUNTY, Person, Town, quota, stream
from .timed import Act, Timed
from .visits import COUNTERS, HOURS, LAST_DAY, LAST_SECOND, MIDNIGHT, Counter, Visit, Visits

OPENING_FLOAT_FEN = 200_000


def counter_acts(town: Town, visits: Visits) -> list[Timed]:
    """Visits, paying back what came twice, and the shifts of every counter at which something is done."""
    shifts: set[tuple[Counter, date]] = set()
    acts = []
    for visit in visits.all:
        acts.append(Timed(visit.at, 3, _pay_fields(visit)))
        shifts.add((visit.counter, _shift_day(visit)))
    back = [act for visit in visits.doubles for act in _counter_pays_back(town, visit)]
    for deposit in visits.deposits.all:
        if deposit.expected != "settled" and deposit.goes_back:
            back += _channel_pays_back(town, deposit)
    for act in back:
        acts.append(act)
        if act.fields["act"] == "pay_refund" and act.fields["counter"]:
            counter = next(c for c in COUNTERS if c.code == act.fields["counter"])
            shifts.add((counter, act.at.date()))
    acts += _too_late(town, visits)
    for counter, day in shifts:
        where = {"counter": counter.code, "region": counter.region, "by": f"cashier-{counter.terminal}"}
        opened = {"act": "open_shift", **where, "opening_float_fen": OPENING_FLOAT_FEN}
        acts.append(Timed(moment(day, 8, 30), 1, opened))
        late = day == LAST_DAY and counter == COUNTERS[0]  # stays open until after midnight on the last day
        closing = moment(day + timedelta(days=1), 0, 10) if late else moment(day, 17, 40)
        acts.append(Timed(closing, 9, {"act": "close_shift", **where, "shift_day": day.isoformat()}))
    return sorted(acts, key=lambda act: (act.at, act.place, json.dumps(act.fields, sort_keys=True)))


def _shift_day(visit: Visit) -> date:
    return LAST_DAY if visit.at in {LAST_SECOND, MIDNIGHT} else visit.at.date()


def _pay_fields(visit: Visit) -> Act:
    fields = {
        "act": "pay",
        "by": f"cashier-{visit.counter.terminal}",
        "counter": visit.counter.code,
        "region": visit.counter.region,
        "shift_day": _shift_day(visit).isoformat(),
        "method": visit.method,
        "payer_name": visit.payer_name,
        "payer_identity_number": visit.payer_number,
        "insured": [person.number for person in visit.insured],
        "expected_refusal": visit.expected_refusal,
    }
    return {**fields, "terminal_no": visit.counter.terminal} if visit.method == "pos" else fields


def _counter_pays_back(town: Town, visit: Visit) -> list[Timed]:
    """Back over a counter of the hall that took it second; where two halls raced, at the county's."""
    rng = stream(town.seed, f"refund {visit.insured[0].number}")
    hall = COUNTY if visit.race else visit.counter.region
    counter = rng.choice([counter for counter in COUNTERS if counter.region == hall])
    method = "pos_return" if rng.random() < 0.7 else "cash"
    return _paying_back(town, visit.at, visit.insured, counter, method)


def _channel_pays_back(town: Town, deposit: Deposit) -> list[Timed]:
    """Back on the way it came; what an agent has collected goes to the person at the county's counter."""
    if deposit.channel == "agent":
        return _paying_back(town, deposit.at, deposit.insured, COUNTERS[-1], "cash")
    return _paying_back(town, deposit.at, deposit.insured, None, deposit.channel)


def _paying_back(town: Town, at: datetime, insured: list[Person], counter: Counter | None, method: str) -> list[Timed]:
    """Check, decision and payment of what the system has found, by three people on three days."""
    rng = stream(town.seed, f"paying back {insured[0].number}")
    check = at.date() + timedelta(days=rng.randint(2, 3))
    decide = check + timedelta(days=rng.randint(1, 2))
    pay = decide + timedelta(days=rng.randint(1, 3))
    acts = []
    for person in insured:
        whose = {"insured": person.number}
        acts.append(Timed(moment(check, 9, 30), 4, {"act": "check_refund", "by": "refund-checker", **whose}))
        acts.append(Timed(moment(decide, 9, 30), 4, {"act": "decide_refund", "by": "refund-approver", **whose}))
        where: Act = {"counter": None, "region": COUNTY, "by": "refund-payer"}
        if counter:
            where = {"counter": counter.code, "region": counter.region, "by": f"cashier-{counter.terminal}"}
        back = {"act": "pay_refund", **whose, **where, "shift_day": pay.isoformat(), "method": method}
        acts.append(Timed(moment(pay, *HOURS[1]), 4, back))
    return acts


def _too_late(town: Town, visits: Visits) -> list[Timed]:
    """After the window some want their premium back: refused on the spot, with the reason (S004-30, S004-32)."""
    rng = stream(town.seed, "too late")
    twice = {person for visit in visits.doubles for person in visit.insured}
    paid = [v for v in visits.all if v.expected_refusal is None and not v.double and v.insured[0] not in twice]
    acts = []
    for visit in rng.sample(paid, min(quota(town.residents, 0.001), len(paid))):
        wish = {"insured": visit.insured[0].number, "applicant_name": visit.payer_name, "ground": "paid_twice"}
        fields = {"act": "request_refund", "by": "agency-officer-a", **wish}
        acts.append(Timed(moment(date(2021, 12, 28), *HOURS[0]), 4, fields))
    return acts
