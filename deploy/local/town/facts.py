"""What the departments know about the people: help, disability, schooling, employment, deaths and moves.

Shares are those of a poor mountain town; every kind occurs at least once, and kinds overlap. All days of recognition
lie before the first roster: a status that is found later is the matter of another season.
"""

from datetime import date, timedelta
from random import Random

from .identity import Sex
from .names import employer, given_name, surname
from .people import FIRST_DAY, OTHER_PLACES, Fact, Household, Person, Town, quota, stream

DISABILITY_SHARES = (("一级", 0.005), ("二级", 0.010), ("三级", 0.012), ("四级", 0.013))


def learn(town: Town) -> None:
    """Fill in what the lists will say. Changes the people of `town`."""
    _help(town, stream(town.seed, "help"))
    _disability(town, stream(town.seed, "disability"))
    go_to_school(town, stream(town.seed, "schooling"))
    _employment(town, stream(town.seed, "employment"))
    _leavers(town, stream(town.seed, "leavers"))
    _lists(town, stream(town.seed, "lists"))


def _day(rng: Random, first: date, last: date = date(2021, 7, 31)) -> date:
    return first + timedelta(days=rng.randrange((last - first).days + 1))


def _grant(rng: Random, person: Person, supplier: str, word: str, since: int = 2014) -> None:
    first = max(date(since, 1, 1), person.birth)
    until = date(2022, 6, 30) if rng.random() < 0.1 else None
    last = max(first, date(2021, 7, 31))
    person.facts.append(Fact(supplier, word, _day(rng, first, last), until))


def _households_of(rng: Random, town: Town, share: float) -> list[Household]:
    """Whole households, drawn until they hold that share of the residents."""
    wanted, found = quota(town.residents, share), []
    for household in rng.sample(town.households, len(town.households)):
        if wanted <= 0:
            break
        found.append(household)
        wanted -= len(household.members)
    return found


def _help(town: Town, rng: Random) -> None:
    residents = town.living()
    _destitute(town, rng, residents)
    for household in _households_of(rng, town, 0.045):
        for person in household.members:
            if not person.has("特困", "孤儿"):
                _grant(rng, person, "civil_affairs", "低保", 2012)
    for word, share in (("稳定脱贫", 0.07), ("易返贫致贫", 0.011), ("返贫致贫", 0.004)):
        for household in _households_of(rng, town, share):
            for person in household.members:
                if not person.has("稳定脱贫", "易返贫致贫", "返贫致贫"):
                    _grant(rng, person, "rural_revitalisation", word, 2016)
    helped = ("低保", "特困", "孤儿", "事实无人抚养儿童")
    unhelped = [p for p in residents if p.birth.year < 2012 and not p.has(*helped)]
    for person in _some(rng, unhelped, quota(town.residents, 0.004)):  # help that ended long ago counts no more
        since = _day(rng, date(2012, 1, 1), date(2019, 12, 31))
        person.facts.append(Fact("civil_affairs", "低保", since, date(2020, 12, 31)))
    veterans = [p for p in residents if p.sex == "male" and p.age() >= 58] or residents
    for person in _some(rng, veterans, quota(town.residents, 0.007)):
        _grant(rng, person, "veterans", "在乡重点优抚", 2005)


def _destitute(town: Town, rng: Random, residents: list[Person]) -> None:
    """Old people who live alone, and children whose parents are away or dead."""
    lonely = [h.members[0] for h in town.households if len(h.members) == 1 and h.members[0].age() >= 55]
    for person in _some(rng, lonely or residents, quota(town.residents, 0.008)):
        _grant(rng, person, "civil_affairs", "特困", 2010)
    left = [h for h in town.households if any(member.role == "away" for member in h.members)]
    children = [p for household in left for p in household.members if p.age() < 16]
    children = children or [p for p in residents if p.age() < 16] or residents
    orphans = _some(rng, children, quota(town.residents, 0.001))
    for person in orphans:
        _grant(rng, person, "civil_affairs", "孤儿")
    for person in _some(rng, [p for p in children if p not in orphans] or children, quota(town.residents, 0.0015)):
        _grant(rng, person, "civil_affairs", "事实无人抚养儿童")


def _some(rng: Random, people: list[Person], count: int) -> list[Person]:
    return rng.sample(people, min(count, len(people)))


def _disability(town: Town, rng: Random) -> None:
    residents = [p for p in town.living() if p.age() >= 2]
    helped = [p for p in residents if p.has("低保", "特困", "易返贫致贫")]
    for grade, share in DISABILITY_SHARES:
        count = quota(town.residents, share)
        chosen = _some(rng, helped, max(1, count // 4)) + _some(rng, residents, count)
        for person in chosen[:count]:
            if not any(fact.supplier == "disabled_federation" for fact in person.facts):
                _grant(rng, person, "disabled_federation", grade, 2008)
    both = next((p for p in town.living() if p.has("特困") and not p.has("一级", "二级", "三级", "四级")), None)
    if both is not None:  # a tie of two full helps occurs in every town (A004-9)
        _grant(rng, both, "disabled_federation", "一级", 2008)


def go_to_school(town: Town, rng: Random) -> None:
    """Who goes to which school."""
    plan, year = town.plan, town.plan.school_year
    homes = {person: household.village for household in town.households for person in household.members}
    for stage, first, last in (("primary", year - 12, year - 7), ("junior", year - 15, year - 13)):
        schools = [school for school in town.schools if school.stage == stage]
        age_at_entry = 7 if stage == "primary" else 13
        for person in town.living():
            # a school year takes in births from September to August
            cohort = person.birth.year if person.birth.month >= 9 else person.birth.year - 1
            if not first <= cohort <= last or person.residence in OTHER_PLACES:
                continue
            entry = date(cohort + age_at_entry, 9, 1)
            if rng.random() < 0.08:  # at school in the county town: stays on the roster of the village
                person.schooling = ("县城某学校", f"{plan.county}100", entry)
                continue
            index = town.villages.index(homes[person]) % len(schools)
            person.school = schools[index]
            person.schooling = (schools[index].name, schools[index].region, entry)
            person.on_village_roster = rng.random() < 0.06  # else the school alone names them
    for person in town.living():
        age = person.age(plan.first_day)
        if person.schooling is None and 15 <= age <= 21 and rng.random() < (0.8 if age < 18 else 0.3):
            city = rng.choice(("140105", "410105", "610113"))
            place = ("县第一中学", f"{plan.county}100") if age < 18 else ("某大学", city)
            person.schooling = (*place, date(year - rng.randint(1, 2), 9, 1))


def _employment(town: Town, rng: Random) -> None:
    adults = [p for p in town.living() if 22 <= p.age() <= 59 and not p.has("特困", "低保") and p.schooling is None]
    employed = _some(rng, adults, quota(town.residents, 0.05, 3))
    for n, person in enumerate(employed):
        person.facts.append(Fact("employee_insurance", employer(rng), _day(rng, date(2012, 1, 1))))
        person.on_village_roster = n % 3 != 0  # a third the village has already crossed off
    taken = set(employed)
    for person in _some(rng, [p for p in adults if p not in taken], quota(town.residents, 0.012)):
        since = _day(rng, date(2013, 1, 1), date(2019, 12, 31))
        person.facts.append(Fact("employee_insurance", employer(rng), since, _day(rng, date(2020, 1, 31))))


def _leavers(town: Town, rng: Random) -> None:
    """The dead and those who moved away whom the villages still carry: they are not among the residents."""
    homes = rng.sample(town.households, len(town.households))
    dead, moved = quota(town.residents, 0.006, 2), quota(town.residents, 0.006, 2)
    for n, household in enumerate((homes * 4)[: dead + moved]):
        sex: Sex = "male" if rng.random() < 0.5 else "female"
        age = rng.randint(60, 92) if n < dead else rng.randint(21, 45)
        birth = date(2021 - age, rng.randint(1, 8), rng.randint(1, 28))
        name = surname(rng) + given_name(rng, sex, birth.year)
        code = household.village.code
        person = Person(name, sex, birth, town.book.give(birth, sex), "leaver", code, code)
        if n < dead:
            person.died_on = _day(rng, date(2021, 1, 5))
        else:
            person.moved_away_on = _day(rng, date(2020, 6, 1))
            person.old_hukou = code
            person.hukou = rng.choice(OTHER_PLACES)
            person.residence = code if n % 4 == 3 else person.hukou  # some still live here, and may enrol
            if n == dead:  # two reasons at once: employed elsewhere and no tie
                person.residence = person.hukou
                person.facts.append(Fact("employee_insurance", employer(rng), _day(rng, date(2020, 8, 1))))
        household.members.append(person)


def _lists(town: Town, rng: Random) -> None:
    """Who stands on two rosters, and who on none because they register alone later."""
    plain = [p for p in town.living() if p.on_village_roster and p.school is None and not p.facts and p.role != "head"]
    late = _some(rng, [p for p in plain if not p.registered] or plain, quota(town.residents, 0.001))
    late += _some(rng, [p for p in plain if p not in late and p.age() >= 18], quota(town.residents, 0.002))
    for person in late:
        person.on_village_roster, person.joins_late, person.newcomer = False, True, True
    homes = {person: household.village for household in town.households for person in household.members}
    if len(town.villages) > 1:
        for person in _some(rng, [p for p in plain if not p.joins_late], quota(town.residents, 0.002)):
            person.second_village = rng.choice([v for v in town.villages if v != homes[person]])
    for person in town.living():
        if person.age(FIRST_DAY) > 0 and not person.newcomer:
            person.newcomer = rng.random() < 0.02
