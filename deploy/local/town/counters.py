"""Acts at the counters of the tax halls: what people bring, and the shifts in which it is taken or paid back."""

import json
from collections.abc import Iterable
from datetime import date, timedelta

from .deposits import COUNTY_FINANCE
from .feeds import moment
from .plans import Counter, Plan
from .timed import Act, Timed
from .visits import LAST_DAY, LAST_SECOND, MIDNIGHT, Visit, Visits

OPENING_FLOAT_FEN = 200_000


def counter_acts(plan: Plan, visits: Visits, back: Iterable[Timed] = ()) -> list[Timed]:
    """Visits, and the shifts of every counter at which somebody pays, or gets something `back`."""
    shifts: set[tuple[Counter, date]] = set()
    acts = []
    for visit in visits.all:
        acts.append(Timed(visit.at, 3, _pay_fields(visit)))
        shifts.add((visit.counter, _shift_day(visit)))
    for act in back:
        if act.fields["act"] == "pay_refund" and act.fields["counter"]:
            counter = next(c for c in plan.counters if c.code == act.fields["counter"])
            shifts.add((counter, act.at.date()))
    brought: set[tuple[Counter, date]] = set()
    for counter, day in shifts:
        where = {"counter": counter.code, "region": counter.region, "by": f"cashier-{counter.terminal}"}
        opened = {"act": "open_shift", **where, "opening_float_fen": OPENING_FLOAT_FEN}
        acts.append(Timed(moment(day, 8, 30), 1, opened))
        late = day == LAST_DAY and counter == plan.counters[0]  # stays open until after midnight on the last day
        closing = moment(day + timedelta(days=1), 0, 10) if late else moment(day, 17, 40)
        acts.append(Timed(closing, 9, {"act": "close_shift", **where, "shift_day": day.isoformat()}))
        brought.add((counter, _next_working_day(closing.date())))
    acts += _cash_to_the_bank(plan, brought) + _terminals(plan)
    return sorted(acts, key=lambda act: (act.at, act.place, json.dumps(act.fields, sort_keys=True)))


def _cash_to_the_bank(plan: Plan, brought: set[tuple[Counter, date]]) -> list[Timed]:
    """Cash of the shifts before goes to the bank in the morning; in the afternoon the county sees that it is there."""
    acts = []
    for counter, day in brought:
        by = {"by": f"cashier-{counter.terminal}", "counter": counter.code, "region": counter.region}
        acts.append(Timed(moment(day, 10), 6, {"act": "deposit_cash", **by}))
    check = {"act": "check_slips", "by": COUNTY_FINANCE[1], "region": plan.prefix}
    return acts + [Timed(moment(day, 16), 6, check) for day in {day for _, day in brought}]


def _terminals(plan: Plan) -> list[Timed]:
    """The card terminal of every counter is known before the first card is charged."""
    return [
        Timed(
            moment(plan.first_day, 8),
            0,
            {
                "act": "register_terminal",
                "by": COUNTY_FINANCE[0],
                "counter": counter.code,
                "region": counter.region,
                "terminal_no": counter.terminal_no,
                "shop_no": f"898{plan.prefix:0<6}{number:06d}",
            },
        )
        for number, counter in enumerate(plan.counters, start=1)
    ]


def _next_working_day(day: date) -> date:
    """The day after, unless that is a weekend."""
    after = day + timedelta(days=1)
    return after + timedelta(days=max(0, 7 - after.weekday()) if after.weekday() >= 5 else 0)


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
    if visit.suspense:
        fields["expected"] = "suspense"
    return {**fields, "terminal_no": visit.counter.terminal_no} if visit.method == "pos" else fields
