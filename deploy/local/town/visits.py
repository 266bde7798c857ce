"""Who comes to which counter, when, with what: the premiums of the season, and what people try that must not work.

The plan says who pays for whom and how; what that costs and whether it is taken the services decide.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from .channels import E_CHANNELS, INSTITUTIONS, Deposit, Deposits, agent_days, deposit_instant, share_out
from .feeds import moment
from .names import given_name, surname
from .people import COUNTY, TOWN, Household, Person, Town, quota, stream
from .plans import YANGCHENG, Counter, Plan

LAST_DAY = date(2021, 12, 25)
LAST_SECOND = datetime(2021, 12, 25, 23, 59, 59)  # noqa: DTZ001 - the offset is written with the act
MIDNIGHT = datetime(2021, 12, 26)  # noqa: DTZ001
HOURS = ((10, 20), (15, 10))
COUNTERS = YANGCHENG.counters


@dataclass(eq=False)
class Visit:
    """Somebody comes to a counter with the premiums of one or several people."""

    at: datetime
    counter: Counter
    method: str  # cash | pos
    payer_name: str
    payer_number: str | None
    insured: list[Person]
    expected_refusal: str | None = None  # cash only: what the clerk will be told
    double: bool = False
    race: bool = False  # at the very instant of the first payment: nobody knows which one comes second
    suspense: bool = False  # by card on a day on which nothing is taken: the money is there all the same


@dataclass
class Visits:
    """All visits, and those of them that pay somebody's premium a second time."""

    all: list[Visit] = field(default_factory=list)
    doubles: list[Visit] = field(default_factory=list)
    unpaid: list[Person] = field(default_factory=list)
    deposits: Deposits = field(default_factory=Deposits)


def owes(plan: Plan, person: Person, on: date) -> bool:
    """Whether the person will be enrolled and owes a part: nobody is sent to a counter who has nothing to pay."""
    employed = any(f.supplier == "employee_insurance" and (f.until is None or f.until >= on) for f in person.facts)
    local = person.hukou.startswith(plan.prefix)
    learns = person.schooling is not None and person.schooling[1].startswith(plan.prefix)
    lives = person.residence.startswith(plan.prefix)
    stays = lives and (plan.residence == "counts" or (plan.residence == "with_permit" and person.permit))
    tie = local or stays or (learns and plan.residence != "counts")
    return person.died_on is None and tie and not employed and not _has_nothing_to_pay(plan, person)


def _has_nothing_to_pay(plan: Plan, person: Person) -> bool:
    """Whether somebody else pays the whole premium."""
    by_list = any(
        first <= person.birth <= last for fact in person.facts for first, last in plan.full_help.get(fact.word, ())
    )
    by_age = plan.born_free is not None and plan.born_free[0] <= person.birth <= plan.born_free[1]
    return by_list or (by_age and person.hukou.startswith(plan.prefix))


def plan_visits(town: Town, ready: dict[str, datetime]) -> Visits:
    """Plan how everybody pays, and what goes wrong at the counters; `ready` as in `plan_payments`."""
    rng = stream(town.seed, "visits")
    visits = plan_payments(town, rng, ready)
    _last_second(rng, visits)
    _doubles(town, rng, visits)
    _paid_already(town, rng, visits)
    _closed_days(rng, visits, ready)
    return visits


def plan_payments(town: Town, rng: Random, ready: dict[str, datetime]) -> Visits:
    """Plan how everybody pays. `ready`: by identity number the moment at which a person is registered."""
    plan = town.plan
    owing = {
        household: [p for p in household.members if p.number in ready and owes(plan, p, ready[p.number].date())]
        for household in town.households
    }
    visits = Visits()
    never = _who_never_pays(rng, owing)
    payments: list[tuple[Household, Person, list[Person]]] = []
    for household, people in owing.items():
        paying = [person for person in people if person not in never]
        visits.unpaid += [person for person in people if person in never]
        payments += [(household, payer, group) for payer, group in _groups(rng, plan, household, paying)]
    doors = agent_days(rng, town)
    channels = share_out(stream(town.seed, "channels"), len(payments), plan.shares)
    for (household, payer, group), channel in zip(payments, channels, strict=True):
        first = max(ready[person.number] for person in group).date() + timedelta(days=1)
        last = min(_last_day(plan, person) for person in group)
        if channel == "counter":
            hall = plan.town if rng.random() < 0.65 else plan.county
            visits.all.append(_visit(rng, plan, _day(rng, plan, first, last), hall, payer, group))
        else:
            day = _day(rng, plan, first, last)
            if channel == "agent":
                day = rng.choice([door for door in doors[household.village.code] if first <= door <= last])
            visits.deposits.all.append(_deposit(rng, channel, day, household, payer, group))
    return visits


def _who_never_pays(rng: Random, owing: dict[Household, list[Person]]) -> set[Person]:
    """Whole households and single people, one owing person in twenty."""
    total = sum(len(people) for people in owing.values())
    never: set[Person] = set()
    for household in rng.sample(list(owing), len(owing)):
        if len(never) * 20 >= total:
            break
        people = owing[household]
        never.update(people if rng.random() < 0.6 else people[:1])
    return never


def _groups(rng: Random, plan: Plan, household: Household, people: list[Person]) -> list[tuple[Person, list[Person]]]:
    """Who pays for whom: mostly one for all, sometimes everybody alone, the children with a parent."""
    if not people:
        return []
    on = plan.first_day
    adults = [p for p in household.members if p.age(on) >= 18 and p.died_on is None and p.moved_away_on is None]
    head = household.head if household.head.age(on) >= 18 else (adults or people)[0]
    if len(people) == 1 or rng.random() < 0.62:
        return [(head if rng.random() < 0.7 or not adults else rng.choice(adults), people)]
    grown = [p for p in people if p.age(on) >= 18]
    if not grown:
        return [(head, people)]
    groups = [(person, [person]) for person in grown]
    for child in people:
        if child.age(on) < 18:
            rng.choice(groups)[1].append(child)
    return groups


def _last_day(plan: Plan, person: Person) -> date:
    """The last day on which money of this person is taken in time."""
    if plan.others_close is None or person.schooling is not None:
        return plan.calendar[-1][0]
    return plan.others_close


def _day(rng: Random, plan: Plan, first: date, last: date) -> date:
    """A day on which money is taken, more of them towards the end."""
    days = [(day, weight) for day, weight in plan.calendar if first <= day <= last]
    return rng.choices([day for day, _ in days], [weight for _, weight in days])[0]


def _counter(rng: Random, plan: Plan, hall: str) -> Counter:
    return rng.choice([counter for counter in plan.counters if counter.region == hall])


def _visit(rng: Random, plan: Plan, day: date, hall: str, payer: Person, group: list[Person]) -> Visit:
    method = "cash" if rng.random() < 0.42 else "pos"
    return Visit(moment(day, *rng.choice(HOURS)), _counter(rng, plan, hall), method, payer.name, payer.number, group)


def _deposit(rng: Random, channel: str, day: date, household: Household, payer: Person, group: list[Person]) -> Deposit:
    at = deposit_instant(rng, channel, day)
    e_channel = rng.choice(E_CHANNELS) if channel == "agent" else ""
    institution = rng.choice(INSTITUTIONS) if channel == "bank" else ""
    return Deposit(
        at, channel, payer.name, payer.number, group, household.village, e_channel=e_channel, institution=institution
    )


def _last_second(rng: Random, visits: Visits) -> None:
    """One pays in the last second of the season; one who never paid comes a second later."""
    last = rng.choice(visits.all)
    last.at, last.counter, last.method = LAST_SECOND, COUNTERS[0], "cash"
    person = rng.choice(visits.unpaid)
    visits.all.append(
        Visit(MIDNIGHT, COUNTERS[0], "cash", person.name, person.number, [person], expected_refusal="outside_window")
    )


def _usual(visits: Visits) -> list[Visit]:
    return [v for v in visits.all if v.at < LAST_SECOND and v.expected_refusal is None and not v.double]


def _doubles(town: Town, rng: Random, visits: Visits) -> None:
    """A member of the family pays by card what another has paid by card, at the other hall."""
    homes = {person: household for household in town.households for person in household.members}
    candidates = [v for v in _usual(visits) if v.method == "pos"] or _usual(visits)
    for n, first in enumerate(rng.sample(candidates, min(quota(town.residents, 0.004, 3), len(candidates)))):
        first.method = "pos"
        family = [p for p in homes[first.insured[0]].members if p.age() >= 18 and p.died_on is None]
        other = next((p for p in family if p.number != first.payer_number), None)
        name = other.name if other else surname(rng) + given_name(rng, "female", 1980)
        day = min(first.at.date() + timedelta(days=rng.choice((0, 1, 2, 5, 9))), LAST_DAY)
        while day.day > 25:
            day += timedelta(days=1)
        at = first.at if n == 0 or (day == first.at.date() and first.at.hour > 12) else moment(day, *HOURS[1])
        hall = COUNTY if first.counter.region == TOWN else TOWN
        insured = first.insured[: rng.choice((1, 1, 2))]
        number = other.number if other else None
        race = at == first.at
        second = Visit(at, _counter(rng, town.plan, hall), "pos", name, number, insured, double=True, race=race)
        visits.all.append(second)
        visits.doubles.append(second)


def _paid_already(town: Town, rng: Random, visits: Visits) -> None:
    """Somebody brings cash for what is paid: the clerk sees it and takes nothing."""
    early = [v for v in _usual(visits) if v.at.date() <= date(2021, 12, 20)]
    for first in rng.sample(early, min(quota(town.residents, 0.002), len(early))):
        day = _day(rng, town.plan, first.at.date() + timedelta(days=1), LAST_DAY)
        at = moment(day, *HOURS[0])
        visits.all.append(
            Visit(at, first.counter, "cash", first.payer_name, first.payer_number, first.insured[:1], "already_paid")
        )


def _closed_days(rng: Random, visits: Visits, ready: dict[str, datetime]) -> None:
    """On the 26th of three months somebody brings cash, and is told to come again on an open day."""
    for month in (9, 10, 11):
        day = date(2021, month, 26)
        later = [
            v for v in _usual(visits) if v.at.date() > day and all(ready[p.number].date() < day for p in v.insured)
        ]
        if later:
            visit = rng.choice(later)
            at = moment(day, *HOURS[0])
            visits.all.append(
                Visit(at, visit.counter, "cash", visit.payer_name, visit.payer_number, visit.insured, "closed_day")
            )
