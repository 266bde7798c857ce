"""What differs between the seasons of the schemes: place, calendar, doors, channels, lists, remittance, late stages.

One value per scheme. What a notice says stands in its package; here stands what people and offices do under it, and
whom it lets off, as far as the plan must know who comes to pay. Amounts are nowhere: they are what the services say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Births = tuple[date, date]
Calendar = tuple[tuple[date, float], ...]
EVER: Births = (date(1900, 1, 1), date(2100, 1, 1))


@dataclass(frozen=True)
class Counter:
    """A window at which money is taken: its code, the region of its office, the number under which it is run."""

    code: str
    region: str
    terminal: str

    @property
    def terminal_no(self) -> str:
        """Its card terminal, with the eight characters that terminals are numbered by."""
        return self.terminal[-8:]


@dataclass(frozen=True)
class Days:
    """Days from `first` to `last`, of which `times` are drawn."""

    first: date
    last: date
    times: int = 1


@dataclass(frozen=True)
class Help:
    """A word in a department's list: how many of the residents have it, single people or whole households."""

    supplier: str
    word: str
    share: float
    households: bool = False
    least_age: int = 0


@dataclass(frozen=True)
class Plan:
    """The season of one scheme."""

    scheme: str
    pool: str
    county: str
    town: str
    first_day: date  # on which money is taken; ages are as of it
    calendar: Calendar  # days on which money is taken, and how many come
    correction_day: date  # on which units hand in again what came back
    shares: Mapping[str, float]  # of the open channels
    counters: tuple[Counter, ...]
    rounds: tuple[Days, ...]  # on which agents go from door to door
    ledgers_close: date
    slip_days: tuple[date, ...]  # on which agents hand over what they hold
    slips_to: Literal["town", "special_account"]
    claims_on: date
    claim_payers: tuple[str, ...]
    reconciled_on: tuple[date, ...]  # on which two persons look at what is open
    books_close: date
    full_help: Mapping[str, tuple[Births, ...]]  # who has this word and such a birthday has nothing to pay
    born_free: Births | None = None  # who has nothing to pay by birthday alone
    residence: Literal["counts", "with_permit", "no"] = "with_permit"  # what it is worth without local hukou
    regulates_refunds: bool = False  # else little odd is planned, and what came twice goes back by a decision
    others_close: date | None = None  # an earlier last day for all but pupils
    former_schemes: bool = False  # rosters say in which of two merged schemes people were
    missed_years: bool = False  # rosters say how many years people have missed
    helps: tuple[Help, ...] = ()
    births: tuple[Births, ...] = ()  # of the children who join and pay as newborns
    late: tuple[Days, ...] = ()  # on which people who did not pay in time come, `times` of a hundred of them in all
    old_codes: tuple[tuple[int, str], ...] = ()  # county codes by first year of birth; () its own

    @property
    def prefix(self) -> str:
        """What every region of the pool begins with: a county's six digits, a city's four."""
        return self.pool.removesuffix("00")

    @property
    def school_year(self) -> int:
        """The autumn in which the pupils of this season entered their forms."""
        return self.first_day.year if self.first_day.month >= 9 else self.first_day.year - 1

    @property
    def lists_closed(self) -> date:
        """Who is born after this day is on no list of the season."""
        return self.first_day - timedelta(days=22)

    @property
    def agency_unit(self) -> str:
        """The unit of the county's agency."""
        return f"{self.county}01"


def _autumn(year: int, rush_from: date, *, last_of_month: int = 31) -> Calendar:
    """September to December, more of them towards the end."""
    found = []
    for month, share in ((9, 1.0), (10, 0.8), (11, 1.2), (12, 2.2)):
        for number in range(1, min(last_of_month, 31 if month in (10, 12) else 30) + 1):
            day = date(year, month, number)
            quiet = 0.3 if day.weekday() >= 5 or (month == 10 and number <= 7) else 1.0
            rush = 2.5 if day >= rush_from else 1.0
            found.append((day, share * (1 + number / 12) * quiet * rush))
    return tuple(found)


def _working_days(first: date, last: date, rush_from: date, off: tuple[date, ...] = ()) -> Calendar:
    """Offices are open on working days; more people come towards the end."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple((day, 3.0 if day >= rush_from else 1.0) for day in days if day.weekday() < 5 and day not in off)


def _halls(town: str, county: str) -> tuple[Counter, ...]:
    return (Counter("TOWN01", town, f"{town}01"), Counter("COUNTY01", county, f"{county}00001"))


YANGCHENG = Plan(
    scheme="yangcheng-2022",
    pool="140522",
    county="140522",
    town="140522108",
    first_day=date(2021, 9, 1),
    calendar=_autumn(2021, date(2021, 12, 20), last_of_month=25),
    correction_day=date(2021, 10, 12),
    shares={"counter": 0.10, "wechat": 0.35, "bank": 0.20, "etax": 0.15, "agent": 0.20},
    counters=(
        Counter("MANGHE01", "140522108", "14052210801"),
        Counter("MANGHE02", "140522108", "14052210802"),
        Counter("COUNTY01", "140522", "14052200001"),
        Counter("COUNTY02", "140522", "14052200002"),
    ),
    rounds=(
        Days(date(2021, 9, 11), date(2021, 9, 23)),
        Days(date(2021, 10, 11), date(2021, 10, 23)),
        Days(date(2021, 11, 11), date(2021, 11, 23)),
        Days(date(2021, 12, 11), date(2021, 12, 23), 2),
    ),
    ledgers_close=date(2021, 12, 27),
    slip_days=(date(2021, 9, 27), date(2021, 10, 27), date(2021, 11, 29), date(2021, 12, 28)),
    slips_to="town",
    claims_on=date(2021, 12, 30),
    claim_payers=("medical_assistance_fund", "original_channel"),
    reconciled_on=(
        date(2021, 9, 29),
        date(2021, 10, 29),
        date(2021, 11, 29),
        date(2021, 12, 29),
        date(2021, 12, 31),
    ),
    books_close=date(2022, 12, 31),
    full_help=dict.fromkeys(("特困", "孤儿", "事实无人抚养儿童", "一级", "二级", "在乡重点优抚"), (EVER,)),
    residence="counts",
    regulates_refunds=True,
    old_codes=((0, "142526"), (1985, "140522")),
)

# 000: bank POS machines, bank outlets and cards, villages and schools (S000-25, S000-26); month ends (S000-44).
YANGQUAN = Plan(
    scheme="yangquan-2018",
    pool="140300",
    county="140311",
    town="140311101",
    first_day=date(2017, 9, 1),
    calendar=_autumn(2017, date(2017, 12, 20)),
    correction_day=date(2017, 10, 12),
    shares={"counter": 0.25, "bank": 0.30, "agent": 0.45},
    counters=_halls("140311101", "140311"),
    rounds=(
        Days(date(2017, 9, 12), date(2017, 9, 24)),
        Days(date(2017, 10, 14), date(2017, 10, 26)),
        Days(date(2017, 11, 11), date(2017, 11, 26)),
        Days(date(2017, 12, 9), date(2017, 12, 27), 2),
    ),
    ledgers_close=date(2018, 1, 3),
    slip_days=(date(2017, 9, 29), date(2017, 10, 31), date(2017, 11, 30), date(2017, 12, 29)),
    slips_to="town",
    claims_on=date(2018, 11, 30),
    claim_payers=("medical_assistance_fund",),
    reconciled_on=(date(2017, 10, 31), date(2017, 12, 29), date(2018, 1, 5), date(2018, 12, 20)),
    books_close=date(2018, 12, 31),
    full_help={
        "低保": ((EVER[0], date(1958, 1, 1)), (date(2000, 1, 2), EVER[1])),
        **dict.fromkeys(("孤儿", "建档立卡", "一级", "二级", "计划生育特殊困难"), (EVER,)),
    },
    helps=(
        Help("civil_affairs", "低保", 0.045, households=True),
        Help("civil_affairs", "孤儿", 0.001),
        Help("rural_revitalisation", "建档立卡", 0.06, households=True),
        Help("disabled_federation", "一级", 0.005),
        Help("disabled_federation", "二级", 0.010),
        Help("disabled_federation", "三级", 0.012),
        Help("health", "计划生育特殊困难", 0.003, least_age=49),
    ),
    births=((date(2017, 9, 20), date(2017, 11, 10)), (date(2018, 1, 5), date(2018, 9, 30))),
    late=(Days(date(2018, 1, 8), date(2018, 4, 27), 40),),
)

# 001: points of residents' committees and the towns' offices; Friday mornings into one account (S001-17, S001-22).
COUNTY_2015 = Plan(
    scheme="county-2015",
    pool="999001",
    county="999001",
    town="999001101",
    first_day=date(2014, 12, 15),
    calendar=_working_days(
        date(2014, 12, 15), date(2015, 2, 10), date(2015, 1, 22), (date(2015, 1, 1), date(2015, 1, 2))
    ),
    correction_day=date(2015, 1, 6),
    shares={"counter": 0.40, "agent": 0.60},
    counters=_halls("999001101", "999001"),
    rounds=(
        Days(date(2014, 12, 26), date(2014, 12, 31), 2),
        Days(date(2015, 1, 8), date(2015, 1, 21), 4),
        Days(date(2015, 1, 26), date(2015, 1, 29), 2),
    ),
    ledgers_close=date(2015, 2, 12),
    slip_days=tuple(date(2014, 12, 19) + timedelta(weeks=week) for week in range(9)),
    slips_to="special_account",
    claims_on=date(2015, 3, 2),
    claim_payers=("county_finance",),
    reconciled_on=(date(2015, 1, 9), date(2015, 2, 6), date(2015, 2, 27)),
    books_close=date(2015, 3, 31),
    full_help=dict.fromkeys(("低保", "一级", "二级"), (EVER,)),
    residence="no",
    others_close=date(2015, 1, 30),
    helps=(
        Help("civil_affairs", "低保", 0.04, households=True),
        Help("civil_affairs", "低收入家庭", 0.03, households=True),
        Help("disabled_federation", "一级", 0.005),
        Help("disabled_federation", "二级", 0.010),
        Help("disabled_federation", "四级", 0.010),
    ),
)

# 002: by village and school, at the finance office (S002-25, S002-26); everything is handed on by 31 December.
LANSHAN = Plan(
    scheme="lanshan-2016",
    pool="371302",
    county="371302",
    town="371302101",
    first_day=date(2015, 11, 13),
    calendar=_working_days(date(2015, 11, 13), date(2015, 12, 31), date(2015, 12, 21)),
    correction_day=date(2015, 12, 3),
    shares={"counter": 0.30, "agent": 0.70},
    counters=_halls("371302101", "371302"),
    rounds=(
        Days(date(2015, 11, 25), date(2015, 12, 2), 2),
        Days(date(2015, 12, 7), date(2015, 12, 18), 3),
        Days(date(2015, 12, 21), date(2015, 12, 28), 2),
    ),
    ledgers_close=date(2016, 1, 4),
    slip_days=(date(2015, 12, 4), date(2015, 12, 18), date(2015, 12, 30)),
    slips_to="town",
    claims_on=date(2016, 11, 30),
    claim_payers=("district_finance",),
    reconciled_on=(date(2015, 12, 7), date(2015, 12, 31), date(2016, 1, 4), date(2016, 12, 20)),
    books_close=date(2016, 12, 31),
    full_help=dict.fromkeys(("低保", "特困", "一级", "二级", "三级", "四级", "在乡重点优抚"), (EVER,)),
    born_free=(EVER[0], date(1945, 12, 31)),
    helps=(
        Help("civil_affairs", "低保", 0.045, households=True),
        Help("civil_affairs", "特困", 0.008, least_age=60),
        Help("disabled_federation", "一级", 0.005),
        Help("disabled_federation", "二级", 0.010),
        Help("disabled_federation", "三级", 0.012),
        Help("disabled_federation", "四级", 0.013),
        Help("veterans", "在乡重点优抚", 0.006, least_age=58),
    ),
    births=((date(2016, 1, 5), date(2016, 9, 30)),),
    late=(Days(date(2016, 1, 5), date(2016, 2, 26), 35), Days(date(2016, 3, 7), date(2016, 4, 28), 20)),
)

# 003: the plan names no channel; the agencies register and collect. The figures come from the local overlay.
TONGLIAO = Plan(
    scheme="tongliao-2016",
    pool="150500",
    county="150502",
    town="150502101",
    first_day=date(2016, 7, 1),
    calendar=_working_days(date(2016, 7, 1), date(2016, 8, 31), date(2016, 8, 22)),
    correction_day=date(2016, 7, 20),
    shares={"counter": 0.45, "agent": 0.55},
    counters=_halls("150502101", "150502"),
    rounds=(
        Days(date(2016, 7, 12), date(2016, 7, 19), 2),
        Days(date(2016, 7, 25), date(2016, 8, 12), 3),
        Days(date(2016, 8, 15), date(2016, 8, 27), 2),
    ),
    ledgers_close=date(2016, 9, 1),
    slip_days=(date(2016, 7, 29), date(2016, 8, 31)),
    slips_to="special_account",
    claims_on=date(2016, 9, 30),
    claim_payers=("city_finance", "county_finance"),
    reconciled_on=(date(2016, 8, 5), date(2016, 9, 2), date(2016, 9, 9)),
    books_close=date(2016, 12, 31),
    full_help={},
    residence="counts",
    former_schemes=True,
)

# National: today's channels; late payment at the same price, with a wait (B1, B3).
NATIONAL = Plan(
    scheme="national-2026",
    pool="999002",
    county="999002",
    town="999002101",
    first_day=date(2025, 9, 1),
    calendar=_autumn(2025, date(2025, 12, 20)),
    correction_day=date(2025, 10, 12),
    shares={"counter": 0.10, "wechat": 0.40, "bank": 0.15, "etax": 0.25, "agent": 0.10},
    counters=_halls("999002101", "999002"),
    rounds=(
        Days(date(2025, 9, 12), date(2025, 9, 24)),
        Days(date(2025, 11, 11), date(2025, 11, 26)),
        Days(date(2025, 12, 9), date(2025, 12, 27), 2),
    ),
    ledgers_close=date(2026, 1, 5),
    slip_days=(date(2025, 9, 30), date(2025, 11, 28), date(2025, 12, 30)),
    slips_to="town",
    claims_on=date(2026, 11, 30),
    claim_payers=("medical_assistance_fund",),
    reconciled_on=(date(2025, 10, 31), date(2025, 12, 31), date(2026, 1, 6), date(2026, 12, 20)),
    books_close=date(2026, 12, 31),
    full_help={"特困": (EVER,)},
    missed_years=True,
    helps=(Help("civil_affairs", "特困", 0.008, least_age=55),),
    births=((date(2026, 1, 5), date(2026, 9, 30)),),
    late=(Days(date(2026, 1, 6), date(2026, 5, 28), 45),),
)

PLANS = {plan.scheme: plan for plan in (YANGCHENG, YANGQUAN, COUNTY_2015, LANSHAN, TONGLIAO, NATIONAL)}
"""Every scheme that has a season, by name."""
