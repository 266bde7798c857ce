"""The benchmarks measure what they say: rows of the agreed shape, for the sizes asked for."""

from dataclasses import asdict
from pathlib import Path

from deploy.local.bench.confirming import confirm_plain
from deploy.local.bench.enrolling import rosters_of
from deploy.local.bench.measures import Measured
from deploy.local.bench.pure import assess_pure
from deploy.local.town.facts import learn
from deploy.local.town.identity import NumberBook
from deploy.local.town.people import settle, stream
from deploy.local.town.plans import YANGCHENG
from shared.sheets import read_sheet


def shape(measured: Measured) -> tuple[str, str, int]:
    """Name, unit and size of a row, which is as the contract wants it."""
    row = asdict(measured.row)
    assert set(row) == {"name", "unit", "n", "ours", "limit", "ratio", "limit_is", "machine"}
    assert row["ours"] > 0
    assert abs(row["ratio"] - row["ours"] / row["limit"]) < 0.01
    return measured.row.name, measured.row.unit, measured.row.n


def test_assessing_is_measured_over_all_schemes() -> None:
    assert [shape(one) for one in assess_pure(0.0006)] == [
        ("assess_pure", "persons/s", 60),
        ("assess_pure", "persons/s", 600),
    ]


def test_payments_are_measured_against_postgres_alone() -> None:
    assert [shape(one) for one in confirm_plain(0.002)] == [("confirm_plain", "payments/s", 100)]


def test_rosters_of_offices_hold_their_villages_people(tmp_path: Path) -> None:
    town = settle(YANGCHENG, 1, 3_000)
    learn(town)
    (tmp_path / "rosters").mkdir()
    units = rosters_of(town, tmp_path)
    assert {unit.roster.suffix for unit in units if unit.kind == "village"} == {".xlsx", ".csv"}
    assert len({unit.code for unit in units}) == len(units)
    numbers = {
        row.cells["身份证号"].upper()
        for unit in units
        for row in read_sheet(unit.roster.name, unit.roster.read_bytes(), required=["身份证号"]).rows
    }
    expected = {person.number for person in town.people() if person.on_village_roster or person.school}
    assert len(numbers & expected) > 0.99 * len(expected)  # but for slips of the pen


def test_towns_with_one_book_share_no_number() -> None:
    book = NumberBook(stream(1, "numbers"), YANGCHENG.old_codes)
    numbers = [person.number for seed in (1, 2) for person in settle(YANGCHENG, seed, 2_000, book).people()]
    assert len(numbers) == len(set(numbers))
