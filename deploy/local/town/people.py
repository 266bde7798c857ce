"""The people of the town: villages, households and who lives in them, on the day the collection begins.

Everything is drawn from `random.Random(f"{seed}:{topic}")`, so one topic can change without moving the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from .identity import NumberBook, Sex
from .names import given_name, surname, village_names
from .plans import YANGCHENG, Plan

COUNTY, TOWN, FIRST_DAY = YANGCHENG.county, YANGCHENG.town, YANGCHENG.first_day
OTHER_PLACES = ("140502001001", "140105002003", "140581001002", "410105003001", "140525100201")
LEAST_RESIDENTS, MOST_RESIDENTS = 100, 200_000


@dataclass(frozen=True)
class Village:
    """A village: its 12-digit code is the code of its unit too."""

    code: str
    name: str


@dataclass(frozen=True)
class School:
    """A school in the town: ten-digit school identifier, stage, and the village it stands in."""

    code: str
    name: str
    stage: str  # primary | junior
    region: str


@dataclass(frozen=True)
class Fact:
    """A line in a department's list about a person: the word it uses, from when, to when."""

    supplier: str
    word: str
    since: date
    until: date | None = None


@dataclass(eq=False)
class Person:
    """One invented resident, and on which lists he or she stands."""

    name: str
    sex: Sex
    birth: date
    number: str
    role: str
    hukou: str
    residence: str
    hukou_since: date | None = None  # moved here on that day; None: since birth
    registered: bool = True  # in the list of public security
    died_on: date | None = None
    moved_away_on: date | None = None
    old_hukou: str | None = None  # what the village still believes after a move
    facts: list[Fact] = field(default_factory=list)
    schooling: tuple[str, str, date] | None = None  # name and region of a school, day of entry
    school: School | None = None  # the school in the town on whose roster the pupil stands
    on_village_roster: bool = True
    second_village: Village | None = None  # stands on the roster of another village too
    joins_late: bool = False  # on no roster; registers alone at the agency
    newcomer: bool = False  # 新参 rather than 续保
    permit: bool = False  # 居住证
    former_scheme: str = ""  # 城镇, 新农合: where two schemes were merged
    missed_years: int = 0  # 断缴年数

    def age(self, on: date = FIRST_DAY) -> int:
        """Full years on that day."""
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))

    @property
    def entry_year(self) -> int:
        """The year in which a pupil entered this school; 0 for everybody else."""
        return self.schooling[2].year if self.schooling else 0

    def has(self, *words: str) -> bool:
        """Whether a department says one of these words about the person (ended or not)."""
        return any(fact.word in words for fact in self.facts)


@dataclass(eq=False)
class Household:
    """A household; the first member is its head."""

    number: str
    village: Village
    members: list[Person]

    @property
    def head(self) -> Person:
        """户主: the first living member."""
        return next((person for person in self.members if person.died_on is None), self.members[0])


@dataclass(eq=False)
class Town:
    """All there is."""

    plan: Plan
    seed: int
    residents: int
    villages: list[Village]
    schools: list[School]
    households: list[Household]
    book: NumberBook

    def people(self) -> Iterator[Person]:
        """Everybody on any list, household by household; the dead and those who moved away too."""
        for household in self.households:
            yield from household.members

    def living(self) -> list[Person]:
        """The residents: all but the dead and those who moved away."""
        return [person for person in self.people() if person.died_on is None and person.moved_away_on is None]


def stream(seed: int, topic: str) -> Random:
    """The random numbers of one topic."""
    return Random(f"canbao:{seed}:{topic}")


def quota(residents: int, share: float, least: int = 1) -> int:
    """How many of the residents, at least a few so that every case occurs in a small town too."""
    return max(least, round(residents * share))


def settle(plan: Plan, seed: int, residents: int, book: NumberBook | None = None) -> Town:
    """Found the villages and fill them with exactly `residents` people. Raises ValueError if out of bounds.

    `book` gives out the numbers of several towns.
    """
    if not LEAST_RESIDENTS <= residents <= MOST_RESIDENTS:
        raise ValueError(f"RESIDENTS must lie between {LEAST_RESIDENTS} and {MOST_RESIDENTS}: {residents}")
    rng = stream(seed, "villages")
    count = max(1, round(residents / 550))
    villages = [Village(f"{plan.town}{200 + n}", name) for n, name in enumerate(village_names(rng, count))]
    book = book or NumberBook(stream(seed, "numbers"), plan.old_codes or ((0, plan.county),))
    town = Town(plan, seed, residents, villages, _schools(villages, residents), [], book)
    rng = stream(seed, "households")
    for village, size in zip(villages, _sizes(rng, residents, count), strict=True):
        left, house = size, 0
        while left:
            house += 1
            slots = _slots(rng, left)
            town.households.append(_household(rng, town, village, house, slots))
            left -= len(slots)
    return town


def _sizes(rng: Random, residents: int, count: int) -> list[int]:
    weights = [rng.uniform(0.75, 1.3) for _ in range(count)]
    sizes = [int(residents * weight / sum(weights)) for weight in weights]
    sizes[-1] += residents - sum(sizes)
    return sizes


def _schools(villages: list[Village], residents: int) -> list[School]:
    primaries, juniors = max(1, round(residents / 6000)), max(1, round(residents / 15000))
    found = []
    for n in range(primaries):
        place = villages[n * len(villages) // primaries]
        name = "镇中心小学" if n == 0 else f"{place.name.removesuffix('村')}小学"
        found.append(School(f"2114{108_001 + n:06d}", name, "primary", place.code))
    for n in range(juniors):
        place = villages[n * len(villages) // juniors]
        name = f"镇第{'一二三四五六七八九十'[n % 10]}初级中学"
        found.append(School(f"3114{108_001 + n:06d}", name, "junior", place.code))
    return found


_Slot = tuple[str, Sex, int]  # role, sex, age

_KINDS = (
    ("old_alone", 13), ("old_couple", 21), ("family", 21), ("three_generations", 23), ("grown_child", 12),
    ("alone", 7), ("left_behind", 5),
)  # fmt: skip


def _slots(rng: Random, room: int) -> list[_Slot]:
    kind = rng.choices([name for name, _ in _KINDS], [weight for _, weight in _KINDS])[0] if room > 1 else "alone"
    return _DRAWERS[kind](rng)[:room]


def _either(rng: Random) -> Sex:
    return "male" if rng.random() < 0.52 else "female"


def _old_alone(rng: Random) -> list[_Slot]:
    age = min(98, 64 + int(rng.triangular(0, 35, 9)))
    return [("head", "male" if rng.random() < 0.45 else "female", age)]


def _couple(rng: Random, age: int) -> list[_Slot]:
    return [("head", "male", age), ("wife", "female", max(20, min(97, age - rng.randint(-2, 4))))]


def _old_couple(rng: Random) -> list[_Slot]:
    return _couple(rng, 57 + int(rng.triangular(0, 33, 8)))


def _children(rng: Random, mother: int, few: int = 0) -> list[_Slot]:
    wanted = rng.choices((0, 1, 2, 3), (12, 38, 42, 8))[0]
    ages = sorted({mother - rng.randint(20, 33) for _ in range(max(few, wanted))}, reverse=True)
    return [("child", _either(rng), age) for age in ages if 0 <= age <= 24]


def _family(rng: Random) -> list[_Slot]:
    couple = _couple(rng, rng.randint(25, 50))
    return couple + _children(rng, couple[1][2])


def _three_generations(rng: Random) -> list[_Slot]:
    couple = _couple(rng, rng.randint(25, 47))
    father = couple[0][2] + rng.randint(21, 30)
    parents: list[_Slot] = [("parent", "male", father), ("parent", "female", father - rng.randint(-1, 4))]
    return couple + _children(rng, couple[1][2]) + parents[: rng.choice((1, 2, 2))]


def _grown_child(rng: Random) -> list[_Slot]:
    couple = _couple(rng, rng.randint(45, 62))
    return [*couple, ("child", "male" if rng.random() < 0.7 else "female", couple[1][2] - rng.randint(21, 26))]


def _alone(rng: Random) -> list[_Slot]:
    return [("head", "male" if rng.random() < 0.8 else "female", rng.randint(24, 63))]


def _left_behind(rng: Random) -> list[_Slot]:
    grandparents = _couple(rng, rng.randint(55, 70))
    away = grandparents[1][2] - rng.randint(21, 27)
    parents: list[_Slot] = [("away", "male", away), ("away", "female", away - rng.randint(0, 3))]
    children = _children(rng, parents[1][2], 1) or [("child", _either(rng), rng.randint(3, 11))]
    return [*grandparents, *children, *parents]


_DRAWERS = {
    "old_alone": _old_alone,
    "old_couple": _old_couple,
    "family": _family,
    "three_generations": _three_generations,
    "grown_child": _grown_child,
    "alone": _alone,
    "left_behind": _left_behind,
}


def _birth(rng: Random, plan: Plan, age: int) -> date:
    latest = plan.first_day.replace(year=plan.first_day.year - age)
    earliest = plan.first_day.replace(year=plan.first_day.year - age - 1) + timedelta(days=1)
    latest = min(latest, plan.lists_closed)
    return earliest + timedelta(days=rng.randrange((latest - earliest).days + 1))


def _household(rng: Random, town: Town, village: Village, house: int, slots: list[_Slot]) -> Household:
    family_name = surname(rng)
    members = []
    for role, sex, age in slots:
        birth = _birth(rng, town.plan, age)
        married_in = sex == "female" and role in {"wife", "parent"}
        came = married_in and rng.random() < 0.18
        if role == "away" and sex == "female":
            married_in = True
        name = (surname(rng) if married_in else family_name) + given_name(rng, sex, birth.year)
        number = town.book.give(birth, sex, from_elsewhere=came)
        person = Person(name, sex, birth, number, role, village.code, village.code)
        if came and age < 55:
            if rng.random() < 0.3:  # lives here, hukou still at her parents': public security of the county has no line
                person.hukou, person.registered = rng.choice(OTHER_PLACES), False
            else:
                year = town.plan.first_day.year - rng.randint(1, max(1, age - 20))
                person.hukou_since = date(year, rng.randint(1, 7), rng.randint(1, 28))
        if role == "away" or (20 <= age <= 45 and rng.random() < 0.06):
            person.residence = rng.choice(OTHER_PLACES)
            if not person.registered:
                person.residence = village.code
        person.newcomer = age == 0 or not person.registered
        members.append(person)
    return Household(f"108{village.code[-3:]}{house:05d}", village, members)
