"""The lists that departments hand over: before the season, slips put right a week later, births afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from random import Random

from .names import given_name
from .people import OTHER_PLACES, Fact, Household, Person, Town, quota, stream
from .sheets import write_csv, write_xlsx
from .slips import SLIPS, Row, cells, make_slips, slashed, vary


@dataclass(frozen=True)
class Feed:
    """A list as handed over: by whom, when, and where it lies under out/season/."""

    supplier: str
    at: datetime
    file: str


@dataclass(frozen=True)
class Newborn:
    """A child born in the year of cover: the household, the child, the day of the list of births on which it stands."""

    household: Household
    child: Person
    listed_on: date

    @property
    def mother(self) -> Person | None:
        """The mother, by whose number the child goes until it is listed; None where the household has none."""
        return next((person for person in self.household.members if person.role == "wife"), None)


HELP_HEADERS = {
    "civil_affairs": ["姓名", "身份证号", "救助类别", "认定日期", "终止日期"],
    "disabled_federation": ["姓名", "身份证号", "残疾等级", "评定日期", "终止日期"],
    "rural_revitalisation": ["姓名", "身份证号", "人员类别", "认定日期", "终止日期"],
    "veterans": ["姓名", "身份证号", "优抚类别", "认定日期", "终止日期"],
    "employee_insurance": ["姓名", "身份证号", "参保单位", "参保起始日期", "参保终止日期"],
    "health": ["姓名", "身份证号", "认定日期", "终止日期"],
}
_POLICE_HEADER = ["姓名", "身份证号", "性别", "户号", "户籍地代码", "变动类型", "变动日期"]
_BIRTHS_HEADER = [*_POLICE_HEADER, "母亲证件号码", "出生顺序"]
_SCHOOL_HEADER = ["姓名", "身份证号", "学校名称", "学校所在地代码", "入学日期"]

# supplier: day of the list, its slips, day on which they come again put right
_HELP_LISTS: dict[str, tuple[date, tuple[str, ...], date]] = {
    "civil_affairs": (
        date(2021, 8, 18),
        ("wrong_digit", "no_name", "impossible_day", "other_name", "duplicate"),
        date(2021, 8, 26),
    ),
    "disabled_federation": (
        date(2021, 8, 19),
        ("wrong_digit", "day_to_come", "unknown_grade", "duplicate"),
        date(2021, 8, 27),
    ),
    "rural_revitalisation": (
        date(2021, 8, 20),
        ("too_short", "unknown_help", "impossible_day"),
        date(2021, 8, 27),
    ),
    "veterans": (date(2021, 8, 23), ("no_name",), date(2021, 8, 27)),
    "employee_insurance": (
        date(2021, 8, 25),
        ("wrong_digit", "impossible_day", "no_such_birthday"),
        date(2021, 8, 30),
    ),
}


def moment(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """A business instant, without offset: everything in the town happens in Asia/Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - the offset is written with the act


def write_feeds(town: Town, folder: Path) -> list[Feed]:
    """Write the lists of the autumn of 2021 and say when each is handed over."""
    rng = stream(town.seed, "feeds")
    feeds = [police_list(town, rng, folder, date(2021, 8, 16)), education_list(town, rng, folder, date(2021, 9, 1))]
    for supplier, (day, kinds, second_day) in _HELP_LISTS.items():
        feeds += department_list(town, rng, folder, supplier, day, kinds, second_day)
    return feeds


def write_list(folder: Path, supplier: str, day: date, told: Iterable[tuple[Person, Fact]]) -> Feed:
    """Write one more list of a department: what it says about each of these people."""
    header = HELP_HEADERS[supplier]
    rows = [said(header, person, fact) for person, fact in told]
    return _write(folder, supplier, day, header, rows)


def said(header: list[str], person: Person, fact: Fact) -> Row:
    """What a department says of a person; where every row of its list says the same, there is no word for it."""
    whole = (person.name, person.number, fact.word, fact.since, fact.until)
    return dict(zip(header, whole if len(header) == len(whole) else (*whole[:2], *whole[3:]), strict=True))


def newborns(town: Town) -> list[Newborn]:
    """The children of 2022, born to mothers of the town from January to November."""
    rng = stream(town.seed, "newborns")
    couples = [h for h in town.households if any(p.role == "wife" and 20 <= p.age() <= 40 for p in h.members)]
    wanted = min(quota(town.residents, 0.008, 3), len(couples) or 1)
    found = []
    for household in rng.sample(couples or town.households, wanted):
        birth = date(2022, rng.randint(1, 11), rng.randint(1, 28))
        sex = "male" if rng.random() < 0.52 else "female"
        name = household.members[0].name[:1] + given_name(rng, "male" if sex == "male" else "female", 2022)
        number = town.book.give(birth, "male" if sex == "male" else "female")
        code = household.village.code
        child = Person(name, "male" if sex == "male" else "female", birth, number, "newborn", code, code)
        found.append(Newborn(household, child, date(2022, next(m for m in (4, 7, 10, 12) if birth.month < m), 2)))
    return sorted(found, key=lambda newborn: (newborn.child.birth, newborn.child.number))


def write_births(children: list[Newborn], folder: Path) -> list[Feed]:
    """Public security's lists of births."""
    feeds = []
    for day in sorted({newborn.listed_on for newborn in children}):
        rows = [_birth_row(newborn) for newborn in children if newborn.listed_on == day]
        file = f"feeds/public_security-{day}.csv"
        write_csv(folder / file, _BIRTHS_HEADER, cells(rows, _BIRTHS_HEADER), "gb18030")
        feeds.append(Feed("public_security", moment(day, 8, 30), file))
    return feeds


def _birth_row(newborn: Newborn) -> Row:
    mother = {"母亲证件号码": newborn.mother.number, "出生顺序": "1"} if newborn.mother else {}
    blank: Row = {"母亲证件号码": "", "出生顺序": ""}
    return {**_police_row(newborn.child, newborn.household, "出生", newborn.child.birth), **blank, **mother}


def _police_row(person: Person, household: Household, word: str, day: date | None) -> Row:
    return {
        "姓名": person.name,
        "身份证号": person.number,
        "性别": "男" if person.sex == "male" else "女",
        "户号": household.number,
        "户籍地代码": person.hukou,
        "变动类型": word,
        "变动日期": day,
    }


def police_list(town: Town, rng: Random, folder: Path, day: date) -> Feed:
    """Where the hukou of everybody is, who moved, who died."""
    rows: list[Row] = []
    for household in town.households:
        for person in household.members:
            if person.died_on is not None:
                rows.append(_police_row(person, household, "死亡", person.died_on))
            elif person.moved_away_on is not None:
                rows.append(_police_row(person, household, "迁出", person.moved_away_on))
            elif person.hukou_since is not None:
                rows.append(_police_row(person, household, "迁入", person.hukou_since))
            elif person.registered:
                rows.append(_police_row(person, household, "在册", None))
    # Slips stand beside the right rows here: the register is the ground on which all other lists are checked.
    first, second, third = rng.sample(rows, 3)
    rows += [SLIPS["wrong_digit"](first), SLIPS["too_short"](second), dict(third)]
    file = f"feeds/public_security-{day}.csv"
    write_csv(folder / file, _POLICE_HEADER, cells(rows, _POLICE_HEADER), "gb18030")
    return Feed("public_security", moment(day), file)


def education_list(town: Town, rng: Random, folder: Path, day: date) -> Feed:
    """Who is at school, early on that day."""
    rows: list[Row] = [
        dict(zip(_SCHOOL_HEADER, (person.name, person.number, *person.schooling), strict=True))
        for person in town.people()
        if person.schooling is not None
    ]
    rows, _ = make_slips(rng, rows, ("unknown_region", "duplicate", "no_such_birthday"))
    file = f"feeds/education-{day}.xlsx"
    write_xlsx(folder / file, "在校学生", _SCHOOL_HEADER, cells(rows, _SCHOOL_HEADER))
    return Feed("education", moment(day, 7, 30), file)


def department_list(
    town: Town, rng: Random, folder: Path, supplier: str, day: date, kinds: tuple[str, ...], second_day: date
) -> list[Feed]:
    """What a department says of the people, with slips of these kinds; on the second day the slips put right."""
    header = HELP_HEADERS[supplier]
    known: list[Row] = []
    others: list[Row] = []
    for person in town.people():
        for fact in person.facts:
            if fact.supplier == supplier:
                row = said(header, person, fact)
                # Without a line at public security nobody could tell whose name is right, so those rows stay whole.
                (known if person.registered and person.hukou not in OTHER_PLACES else others).append(row)
    rng.shuffle(known)
    times = max(1, town.residents // 4000)
    sheet, right = make_slips(rng, known, kinds * min(times, max(1, len(known) // 12)))
    feeds = [_write(folder, supplier, day, header, [vary(rng, row) for row in sheet + others])]
    if right:
        feeds.append(_write(folder, supplier, second_day, header, right))
    return feeds


def _write(folder: Path, supplier: str, day: date, header: list[str], rows: list[Row]) -> Feed:
    if supplier in {"civil_affairs", "rural_revitalisation"}:
        file = f"feeds/{supplier}-{day}.xlsx"
        if supplier == "rural_revitalisation":  # this department types its days
            rows = [{k: slashed(v) if isinstance(v, date) else v for k, v in row.items()} for row in rows]
        write_xlsx(folder / file, "救助花名", header, cells(rows, header))
    else:
        file = f"feeds/{supplier}-{day}.csv"
        write_csv(folder / file, header, cells(rows, header), "utf-8-sig")
    return Feed(supplier, moment(day), file)
