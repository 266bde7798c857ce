"""What rosters tell beyond the register, and the facts of an enrolment as they are kept."""

import json
from datetime import date
from typing import Any

import pytest

from services.registration.formats.facts import read_facts, write_facts
from services.registration.formats.roster import RosterRow, UnreadableRow, read_row
from services.registration.rules import EnrolmentKind, Facts
from shared.sheets import SheetRow
from tests.registration_town import VILLAGE_COLUMNS, Villager, number


def row(**more: str) -> RosterRow | UnreadableRow:
    """A villager's row with further columns."""
    cells = dict(zip(VILLAGE_COLUMNS, Villager(number(1)).cells(VILLAGE_COLUMNS), strict=True))
    return read_row(SheetRow(2, {**cells, **more}), today=date(2021, 9, 1))


def told(found: RosterRow | UnreadableRow) -> Any:
    if isinstance(found, UnreadableRow):
        return [fault.code for fault in found.faults]
    return found.residence_permit, found.former_scheme, found.missed_years, found.repaired_years


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (False, None, 0, 0)),
        ({"居住证": "", "原参保制度": "", "断缴年数": "", "已补缴年数": ""}, (False, None, 0, 0)),
        ({"居住证": "是"}, (True, None, 0, 0)),
        ({"居住证": "否", "原参保制度": "新农合"}, (False, "nrcms", 0, 0)),
        ({"原参保制度": "城镇"}, (False, "urban", 0, 0)),
        ({"断缴年数": "4", "已补缴年数": "2"}, (False, None, 4, 2)),
        ({"居住证": "有"}, ["permit_unknown"]),
        ({"原参保制度": "职工"}, ["former_scheme_unknown"]),
        ({"断缴年数": "-1"}, ["years_unknown"]),
        ({"断缴年数": "2.0", "居住证": "?"}, ["permit_unknown", "years_unknown"]),
    ],
)
def test_columns_that_some_notices_go_by(more: dict[str, str], expected: Any):
    assert told(row(**more)) == expected


@pytest.mark.parametrize("since", [None, date(2020, 5, 1)])
def test_facts_are_kept_without_statuses_and_payment(since: date | None):
    facts = Facts(
        birth_date=date(1990, 2, 3),
        hukou="990101102",
        hukou_since=since,
        residence="990102",
        enrolment=EnrolmentKind.RENEWAL,
        registered_on=date(2030, 9, 5),
        paid_on=date(2030, 9, 6),
        sex="female",
        residence_permit=True,
        former_scheme="nrcms",
        missed_years=3,
        repaired_years=1,
        hukou_kind="rural",
        child_hukou_here=False,
        pension_elsewhere=True,
    )
    kept = json.loads(json.dumps(write_facts(facts)))
    assert read_facts(kept, EnrolmentKind.RENEWAL) == facts.paid(None)
