"""The benchmarks measure what they say: rows of the agreed shape, for the sizes asked for."""

from dataclasses import asdict

from deploy.local.bench import assess_pure


def test_assessing_is_measured_over_all_schemes():
    rows = [asdict(row) for row in assess_pure(sizes=(60, 120))]
    assert [(row["name"], row["unit"], row["n"]) for row in rows] == [
        ("assess_pure", "persons/s", 60),
        ("assess_pure", "persons/s", 120),
    ]
    for row in rows:
        assert set(row) == {"name", "unit", "n", "ours", "limit", "ratio", "limit_is", "machine"}
        assert row["ours"] > 0
        assert row["ratio"] == round(row["ours"] / row["limit"], 3)
