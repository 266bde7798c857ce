"""The season of a scheme whose notice regulates no refunds: lists, rosters, payments, newborns, late payers.

Little odd is planned in it, because no rule would say what becomes of it; only a premium that came twice goes back all
the same, by the decision of people who say why. What people and offices do follows the plan.
"""

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from random import Random

from .counters import counter_acts
from .deposits import deposit_acts
from .disturbing import disturb
from .facts import go_to_school
from .feeds import Feed, Newborn, department_list, education_list, moment, police_list, write_births
from .names import employer, given_name
from .people import Fact, Household, Person, Town, quota, stream
from .plans import Births, Days, Help
from .preparing import enrol_fields, preparation
from .reckoning import statement_acts
from .returning import going_back, way_back
from .rosters import write_rosters
from .timed import Timed
from .visits import HOURS, Visit, Visits, plan_payments

UNPLANNED = frozenset({"late_success", "statements", "day26"})
"""The faults that ask for money back, which such a notice does not regulate."""
_PERMITS, _MISSED = 0.7, 0.1


def regular_acts(town: Town, folder: Path, faults: Collection[str]) -> list[Timed]:
    """Write lists and rosters under `folder`; the acts of the season but for its end."""
    _learn(town)
    feeds = _lists(town, folder)
    children = _children(town)
    feeds += write_births(children, folder)
    rosters, ready = write_rosters(town, folder)
    rng = stream(town.seed, "visits")
    visits = plan_payments(town, rng, ready)
    back = _doubles(town, rng, visits)
    acts = preparation(town, feeds, rosters) + _births(town, rng, children, visits) + _late(town, rng, visits) + back
    acts += counter_acts(town.plan, visits, back) + deposit_acts(town, visits.deposits)
    acts = disturb(town, acts, set(faults) - UNPLANNED)
    return acts + statement_acts(town.plan, acts)


def _learn(town: Town) -> None:
    """What the departments and the villages know of the people."""
    plan, rng = town.plan, stream(town.seed, "help")
    for one in plan.helps:
        for person in _helped(town, rng, one):
            since = max(person.birth, plan.first_day - timedelta(days=rng.randint(60, 2400)))
            person.facts.append(Fact(one.supplier, one.word, since))
    go_to_school(town, stream(town.seed, "schooling"))
    _employment(town, stream(town.seed, "employment"))
    rng = stream(town.seed, "lists")
    for household in town.households:
        former = "新农合" if rng.random() < 0.6 else "城镇"
        for person in household.members:
            person.permit = not person.hukou.startswith(plan.prefix) and rng.random() < _PERMITS
            person.former_scheme = former if plan.former_schemes else ""
            person.newcomer = person.newcomer or rng.random() < 0.02
            if plan.missed_years and person.age(plan.first_day) >= 20 and rng.random() < _MISSED:
                person.missed_years = rng.randint(1, 5)


def _helped(town: Town, rng: Random, one: Help) -> list[Person]:
    """Residents with local hukou, drawn until they are so many; nobody twice by one department."""
    plan, wanted = town.plan, quota(town.residents, one.share)
    groups = [household.members for household in town.households] if one.households else [[p] for p in town.living()]
    found: list[Person] = []
    for group in rng.sample(groups, len(groups)):
        if len(found) >= wanted:
            break
        found += [
            person
            for person in group
            if person.registered
            and person.age(plan.first_day) >= one.least_age
            and not any(fact.supplier == one.supplier for fact in person.facts)
        ]
    return found


def _employment(town: Town, rng: Random) -> None:
    """Who works for an employer is insured there; the villages have crossed off a third of them."""
    on = town.plan.first_day
    adults = [p for p in town.living() if 22 <= p.age(on) <= 59 and not p.facts and p.schooling is None]
    for n, person in enumerate(rng.sample(adults, min(quota(town.residents, 0.05, 3), len(adults)))):
        since = on - timedelta(days=rng.randint(90, 2000))
        person.facts.append(Fact("employee_insurance", employer(rng), since))
        person.on_village_roster = n % 3 != 0


def _lists(town: Town, folder: Path) -> list[Feed]:
    """Every department's list before the season, of pupils on its first morning; slips put right a week later."""
    rng, first = stream(town.seed, "feeds"), town.plan.first_day
    feeds = [police_list(town, rng, folder, first - timedelta(days=16))]
    feeds.append(education_list(town, rng, folder, first))
    suppliers = dict.fromkeys([*(one.supplier for one in town.plan.helps), "employee_insurance"])
    for n, supplier in enumerate(suppliers):
        day = first - timedelta(days=14 - n)
        feeds += department_list(town, rng, folder, supplier, day, ("wrong_digit", "no_name"), day + timedelta(days=7))
    return feeds


def _children(town: Town) -> list[Newborn]:
    """The children who join as newborns, of mothers of the town."""
    rng, on = stream(town.seed, "newborns"), town.plan.first_day
    couples = [h for h in town.households if any(p.role == "wife" and 20 <= p.age(on) <= 40 for p in h.members)]
    couples = [h for h in couples if h.head.hukou.startswith(town.plan.prefix)] or town.households
    wanted = min(quota(town.residents, 0.008, 3), len(couples)) if town.plan.births else 0
    found = [
        _child(town, rng, household, town.plan.births[n % len(town.plan.births)])
        for n, household in enumerate(rng.sample(couples, wanted))
    ]
    return sorted(found, key=lambda newborn: (newborn.child.birth, newborn.child.number))


def _child(town: Town, rng: Random, household: Household, born: Births) -> Newborn:
    birth = _some_day(rng, Days(*born))
    sex = "male" if rng.random() < 0.52 else "female"
    name = household.members[0].name[:1] + given_name(rng, "male" if sex == "male" else "female", birth.year)
    number = town.book.give(birth, "male" if sex == "male" else "female")
    code = household.village.code
    child = Person(name, "male" if sex == "male" else "female", birth, number, "newborn", code, code)
    return Newborn(household, child, birth + timedelta(days=rng.randint(8, 14)))


def _doubles(town: Town, rng: Random, visits: Visits) -> list[Timed]:
    """Paid at one counter, and some days later by card at the other one: the terminal asks nobody. It goes back."""
    plan, acts = town.plan, list[Timed]()
    days = [day for day, _ in plan.calendar if day <= (plan.others_close or day)]
    early = [visit for visit in visits.all if visit.at.date() < days[-8]]
    for first in rng.sample(early, min(quota(town.residents, 0.003, 2), len(early))):
        day = next(day for day in days if day > first.at.date() + timedelta(days=rng.randint(1, 5)))
        counter = rng.choice([counter for counter in plan.counters if counter != first.counter])
        payer, insured = (first.payer_name, first.payer_number), first.insured[:1]
        second = Visit(moment(day, *HOURS[1]), counter, "pos", *payer, insured, double=True)
        visits.all.append(second)
        acts += going_back(town, {"insured": insured[0].number}, second.at, way_back(town, second))
    return acts


def _births(town: Town, rng: Random, children: list[Newborn], visits: Visits) -> list[Timed]:
    """A newborn is registered in the village of its hukou; the premium is brought to a counter on a day after."""
    acts = []
    for newborn in children:
        child, household = newborn.child, newborn.household
        comes_on = newborn.listed_on + timedelta(days=rng.randint(0, 5))
        fields = enrol_fields(town.plan, household.village.code, "newborn", child, household)
        acts.append(Timed(moment(comes_on, *HOURS[0]), 2, fields))
        _pays(town, rng, visits, comes_on + timedelta(days=1), household.head, child)
    return acts


def _late(town: Town, rng: Random, visits: Visits) -> list[Timed]:
    """Who did not pay in time comes to the county's counter; what is due now the agency works out first."""
    acts: list[Timed] = []
    waiting = rng.sample(visits.unpaid, len(visits.unpaid))
    for days in town.plan.late:
        count = min(len(waiting), max(1, len(visits.unpaid) * days.times // 100))
        for person in waiting[:count]:
            day = _some_day(rng, days)
            fields = {"act": "reassess", "by": "agency-officer-a", "insured": person.number}
            acts.append(Timed(moment(day, 9, 30), 2, fields))
            _pays(town, rng, visits, day, person, person)
        waiting = waiting[count:]
    return acts


def _pays(town: Town, rng: Random, visits: Visits, day: date, payer: Person, insured: Person) -> None:
    method = "cash" if rng.random() < 0.5 else "pos"
    at, counter = moment(day, *HOURS[1]), town.plan.counters[-1]
    visits.all.append(Visit(at, counter, method, payer.name, payer.number, [insured]))


def _some_day(rng: Random, days: Days) -> date:
    return days.first + timedelta(days=rng.randint(0, (days.last - days.first).days))
