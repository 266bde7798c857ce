"""What comes before the money: departments hand over lists, the agency publishes the package, units hand in rosters."""

from datetime import timedelta

from .feeds import Feed, moment
from .people import Household, Person, Town
from .plans import Plan
from .rosters import Roster
from .timed import Act, Timed


def preparation(town: Town, feeds: list[Feed], rosters: list[Roster]) -> list[Timed]:
    """The departments' lists, the package by two officers, the units, the rosters."""
    plan = town.plan
    day_before, before_that = plan.first_day - timedelta(days=1), plan.first_day - timedelta(days=2)
    acts = [Timed(feed.at, 0, _feed_fields(feed)) for feed in feeds]
    again = next((feed for feed in feeds if feed.supplier == "civil_affairs"), None)
    if again is not None:  # the same list again changes nothing
        acts.append(Timed(moment(day_before, 11), 0, _feed_fields(again)))
    for hour, act, officer in ((14, "draft_package", "agency-officer-a"), (15, "publish_package", "agency-officer-b")):
        acts.append(Timed(moment(before_that, hour), 0, {"act": act, "by": officer, "scheme": plan.scheme}))
    units = [(village.code, village.name, "village", village.code) for village in town.villages]
    units += [(school.code, school.name, "school", school.region) for school in town.schools]
    units.append((plan.agency_unit, "县医疗保险服务中心", "institution", plan.county))
    for code, name, kind, region in units:
        unit = {"unit_code": code, "name": name, "kind": kind, "region": region}
        acts.append(Timed(moment(day_before, 9), 0, {"act": "make_unit", "by": "agency-officer-a", **unit}))
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


def by_mother(child: Person, mother: Person) -> Act:
    """The document of a child that has no number yet."""
    return {"type": "newborn", "number": f"{mother.number}01", "birth_date": f"{child.birth}", "sex": child.sex}


def enrol_fields(plan: Plan, unit: str, enrolment: str, person: Person, household: Household) -> Act:
    """One person registers at a unit."""
    return {
        "act": "enrol",
        "by": "agency-officer-a" if unit == plan.agency_unit else f"clerk-{unit}",
        "unit_code": unit,
        "enrolment": enrolment,
        "person": _person_fields(person, household),
        "documents": ["hukou_booklet"] if enrolment == "newborn" else None,
    }
