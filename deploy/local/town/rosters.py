"""The rosters that villages and schools hand in: all whom they expect to enrol, with slips, and the slips put right."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from .feeds import moment
from .people import Person, School, Town, Village, stream
from .plans import Plan
from .sheets import write_xlsx
from .slips import Row, cells, make_slips, vary

_VILLAGE_HEADER = ["户号", "户主", "姓名", "身份证号", "性别", "户籍地代码", "居住地代码", "参保方式"]
_SCHOOL_HEADER = ["班级", "姓名", "身份证号", "性别", "户籍地代码", "居住地代码", "参保方式"]
_VILLAGE_DAYS = (0, 1, 2, 5, 6)
_SCHOOL_DAYS = (7, 8)
"""Days after the first day of the season."""
_SLIPS = ("wrong_digit", "no_name", "no_such_birthday", "other_name")


@dataclass(frozen=True)
class Roster:
    """A roster as handed in: by which unit, when, and where it lies under out/season/."""

    unit_code: str
    at: datetime
    file: str


def write_rosters(town: Town, folder: Path) -> tuple[list[Roster], dict[str, datetime]]:
    """Write all rosters. Returns them, and by identity number the moment at which a good row of a person comes in."""
    rosters: list[Roster] = []
    seen: dict[str, datetime] = {}
    for n, village in enumerate(town.villages):
        roster, second = _village_rows(town, village)
        rosters += _hand_in(town, folder, village.code, _day(town, _VILLAGE_DAYS, n), roster, second, seen)
    for n, school in enumerate(town.schools):
        roster, second = _school_rows(town, school)
        rosters += _hand_in(town, folder, school.code, _day(town, _SCHOOL_DAYS, n), roster, second, seen)
    return rosters, seen


def _day(town: Town, after: tuple[int, ...], n: int) -> date:
    return town.plan.first_day + timedelta(days=after[n % len(after)])


def _asked(plan: Plan) -> dict[str, Callable[[Person], str]]:
    """Columns that only some notices go by."""
    asked: dict[str, Callable[[Person], str]] = {}
    if plan.residence == "with_permit":
        asked["居住证"] = lambda person: "是" if person.permit else "否"
    if plan.former_schemes:
        asked["原参保制度"] = lambda person: person.former_scheme
    if plan.missed_years:
        asked["断缴年数"] = lambda person: str(person.missed_years or "")
    return asked


def _common(plan: Plan, person: Person) -> Row:
    also = {heading: tell(person) for heading, tell in _asked(plan).items()}
    return {"姓名": person.name, "身份证号": person.number, "性别": "男" if person.sex == "male" else "女",
            "户籍地代码": person.old_hukou or person.hukou, "居住地代码": person.residence,
            "参保方式": "新参" if person.newcomer else "续保", **also}  # fmt: skip


def _village_rows(town: Town, village: Village) -> tuple[list[Row], list[Row]]:
    """Rows that may be spoilt, and rows that may not: their people stand on several lists or leave the town."""
    plain: list[Row] = []
    special: list[Row] = []
    for household in town.households:
        for person in household.members:
            here = household.village == village and person.on_village_roster
            if here or person.second_village == village:
                row: Row = {"户号": household.number, "户主": household.head.name, **_common(town.plan, person)}
                ordinary = person.registered and person.role != "leaver" and person.school is None
                (plain if ordinary and person.second_village is None else special).append(row)
    return plain, special


def _school_rows(town: Town, school: School) -> tuple[list[Row], list[Row]]:
    plain: list[Row] = []
    special: list[Row] = []
    pupils = [p for p in town.people() if p.school == school and p.schooling is not None]
    for person in sorted(pupils, key=lambda p: (p.entry_year, p.number)):
        grade = town.plan.school_year - person.entry_year + (1 if school.stage == "primary" else 7)
        row: Row = {"班级": f"{'零一二三四五六七八九'[grade]}年级1班", **_common(town.plan, person)}
        (special if person.on_village_roster else plain).append(row)
    return plain, special


def _hand_in(
    town: Town, folder: Path, unit_code: str, day: date, rows: list[Row], special: list[Row], seen: dict[str, datetime]
) -> list[Roster]:
    rng = stream(town.seed, f"roster {unit_code}")
    school = len(unit_code) == 10
    header = [*(_SCHOOL_HEADER if school else _VILLAGE_HEADER), *_asked(town.plan)]
    kinds = (*rng.sample(_SLIPS, 1 if school else 2), "duplicate")
    sheet, right = make_slips(rng, rows, kinds)
    rosters = [Roster(unit_code, moment(day), f"rosters/{unit_code}.xlsx")]
    written = [vary(rng, row) for row in sheet + special]
    write_xlsx(folder / rosters[0].file, "参保花名册", header, cells(written, header))
    if right:
        second = Roster(unit_code, moment(town.plan.correction_day), f"rosters/{unit_code}-corrected.xlsx")
        write_xlsx(folder / second.file, "参保花名册", header, cells(right, header))
        rosters.append(second)
    late = {str(row["身份证号"]) for row in right}
    for row in rows + special:
        number = str(row["身份证号"])
        moment_in = moment(town.plan.correction_day) if number in late else moment(day)
        seen[number] = min(seen.get(number, moment_in), moment_in)
    return rosters
