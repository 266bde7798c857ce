"""The benchmarks measure what they say: rows of the agreed shape, for the sizes asked for."""

from dataclasses import asdict

from deploy.local.bench.confirming import confirm_plain
from deploy.local.bench.measures import Measured
from deploy.local.bench.pure import assess_pure


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
