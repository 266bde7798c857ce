"""The season as a list of acts in the order of their business instants: `out/season/acts.jsonl`.

One JSON object a line. Every act has `n` (its number), `at` (the instant, Asia/Shanghai), `act` (what is done) and `by`
(who does it); the rest depends on the act:

| act | further fields |
|---|---|
| hand_in_feed | supplier, file |
| draft_package, publish_package | scheme |
| make_unit | unit_code, name, kind, region |
| hand_in_roster | unit_code, file |
| enrol | unit_code, enrolment, person {name, identity_number, hukou, residence, household_no}, documents |
| open_shift, close_shift | counter, region, [opening_float_fen] |
| pay | counter, region, shift_day, method, payer_name, payer_identity_number, insured, expected_refusal |
| check_refund, decide_refund | insured: whose premium came twice |
| pay_refund | insured, counter, region, shift_day, method |
| request_refund | insured, applicant_name, ground |
| close_books | - |

`insured` of `pay` lists identity numbers; a `pay` by card has `terminal_no` and `reference_no` besides.
`expected_refusal` is what the driver awaits; a recomputation must find it out by itself. Amounts are not planned: they
are what the services say is due.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from .facts import learn
from .feeds import Feed, Newborn, moment, newborns, write_births, write_feeds
from .people import COUNTY, Household, Person, Town, quota, settle, stream
from .rosters import Roster, write_rosters
from .visits import COUNTERS, HOURS, LAST_DAY, LAST_SECOND, MIDNIGHT, Counter, Visit, Visits, plan_visits

SCHEME = "yangcheng-2022"
AGENCY_UNIT = "14052201"
OPENING_FLOAT_FEN = 200_000

Act = dict[str, Any]


@dataclass(frozen=True)
class Timed:
    """An act with its instant, and its place among acts of the same instant."""

    at: datetime
    place: int
    fields: Act


def write_town(seed: int, residents: int, folder: Path) -> Town:
    """Generate the town and write rosters, feeds and acts under `folder` (which is made; old files in it go).

    The same seed and number give the same bytes. Raises ValueError for a number of residents out of bounds.
    """
    town = settle(seed, residents)
    learn(town)
    for name in ("rosters", "feeds"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).iterdir():
            old.unlink()
    feeds = write_feeds(town, folder)
    children = newborns(town)
    feeds += write_births(children, folder)
    rosters, ready = write_rosters(town, folder)
    late = _late_comers(town, ready)
    visits = plan_visits(town, ready)
    acts = [*_preparation(town, feeds, rosters), *late, *_births(town, children), *_counters(town, visits)]
    acts.append(Timed(moment(date(2022, 12, 31), 17), 0, {"act": "close_books", "by": "agency-officer-a"}))
    _write(folder / "acts.jsonl", acts)
    return town


def _write(path: Path, acts: Iterable[Timed]) -> None:
    lines = []
    for n, timed in enumerate(sorted(acts, key=lambda act: (act.at, act.place)), 1):
        act = {"n": n, "at": f"{timed.at.isoformat()}+08:00", **timed.fields}
        if act.get("method") == "pos" and act["act"] == "pay":
            act["reference_no"] = f"{timed.at:%y%m%d}{n:08d}"
        lines.append(json.dumps(act, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _preparation(town: Town, feeds: list[Feed], rosters: list[Roster]) -> list[Timed]:
    acts = [Timed(feed.at, 0, _feed_fields(feed)) for feed in feeds]
    again = next(feed for feed in feeds if feed.supplier == "civil_affairs")
    acts.append(Timed(moment(date(2021, 8, 31), 11), 0, _feed_fields(again)))  # the same list again changes nothing
    for hour, act, officer in ((14, "draft_package", "agency-officer-a"), (15, "publish_package", "agency-officer-b")):
        acts.append(Timed(moment(date(2021, 8, 30), hour), 0, {"act": act, "by": officer, "scheme": SCHEME}))
    units = [(village.code, village.name, "village", village.code) for village in town.villages]
    units += [(school.code, school.name, "school", school.region) for school in town.schools]
    units.append((AGENCY_UNIT, "县医疗保险服务中心", "institution", COUNTY))
    for code, name, kind, region in units:
        unit = {"unit_code": code, "name": name, "kind": kind, "region": region}
        acts.append(Timed(moment(date(2021, 8, 31), 9), 0, {"act": "make_unit", "by": "agency-officer-a", **unit}))
    for roster in rosters:
        handed_in = {"unit_code": roster.unit_code, "file": roster.file}
        acts.append(Timed(roster.at, 1, {"act": "hand_in_roster", "by": f"clerk-{roster.unit_code}", **handed_in}))
    return acts


def _feed_fields(feed: Feed) -> Act:
    return {"act": "hand_in_feed", "by": f"{feed.supplier}-clerk", "supplier": feed.supplier, "file": feed.file}


def _person_fields(person: Person, household: Household) -> Act:
    return {
        "name": person.name,
        "identity_number": person.number,
        "hukou": person.hukou,
        "residence": person.residence,
        "household_no": household.number,
    }


def _enrol_fields(unit: str, enrolment: str, person: Person, household: Household) -> Act:
    return {
        "act": "enrol",
        "by": "agency-officer-a" if unit == AGENCY_UNIT else f"clerk-{unit}",
        "unit_code": unit,
        "enrolment": enrolment,
        "person": _person_fields(person, household),
        "documents": ["hukou_booklet"] if enrolment == "newborn" else None,
    }


def _late_comers(town: Town, ready: dict[str, datetime]) -> list[Timed]:
    """People on no roster who register at the agency on their own (S004-02); enters their moment in `ready`."""
    rng = stream(town.seed, "late")
    acts = []
    for household in town.households:
        for person in household.members:
            if person.joins_late:
                day = date(2021, rng.choice((9, 10, 11)), rng.randint(13, 24))
                ready[person.number] = moment(day, *HOURS[0])
                acts.append(Timed(ready[person.number], 2, _enrol_fields(AGENCY_UNIT, "new", person, household)))
    return acts


def _births(town: Town, children: list[Newborn]) -> list[Timed]:
    """In the window at the village of the hukou, otherwise at the agency (S004-35); some are brought twice."""
    rng = stream(town.seed, "births")
    twice = set(rng.sample(range(len(children)), min(quota(town.residents, 0.0005), len(children))))
    acts = []
    for n, newborn in enumerate(children):
        first = date(2022, newborn.feed_month, 2 + rng.randint(1, 18))
        for day in (first, first + timedelta(days=2))[: 2 if n in twice else 1]:
            at_village = day.month >= 9 and day.day <= 25
            unit = newborn.household.village.code if at_village else AGENCY_UNIT
            fields = _enrol_fields(unit, "newborn", newborn.child, newborn.household)
            acts.append(Timed(moment(day, *HOURS[0]), 2, fields))
    return acts


def _counters(town: Town, visits: Visits) -> list[Timed]:
    """Visits, paying back what came twice, and the shifts of every counter at which something is done."""
    shifts: set[tuple[Counter, date]] = set()
    acts = []
    for visit in visits.all:
        acts.append(Timed(visit.at, 3, _pay_fields(visit)))
        shifts.add((visit.counter, _shift_day(visit)))
    for visit in visits.doubles:
        for act in _paying_back(town, visit):
            acts.append(act)
            if act.fields["act"] == "pay_refund":
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


def _paying_back(town: Town, visit: Visit) -> list[Timed]:
    """Check, decision and payment of a surplus that the system has found, by three people on three days."""
    rng = stream(town.seed, f"refund {visit.insured[0].number}")
    day, acts = visit.at.date(), []
    check = day + timedelta(days=rng.randint(1, 3))
    decide = check + timedelta(days=rng.randint(1, 2))
    pay = decide + timedelta(days=rng.randint(1, 3))
    # Back over a counter of the hall that took it second; where two halls raced, at the county's, in charge of both.
    hall = COUNTY if visit.race else visit.counter.region
    counter = rng.choice([counter for counter in COUNTERS if counter.region == hall])
    for person in visit.insured:
        insured = {"insured": person.number}
        acts.append(Timed(moment(check, 9, 30), 4, {"act": "check_refund", "by": "refund-checker", **insured}))
        acts.append(Timed(moment(decide, 9, 30), 4, {"act": "decide_refund", "by": "refund-approver", **insured}))
        where = {"counter": counter.code, "region": counter.region, "shift_day": pay.isoformat()}
        method = "pos_return" if rng.random() < 0.7 else "cash"
        back = {"act": "pay_refund", "by": f"cashier-{counter.terminal}", **insured, **where, "method": method}
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
