"""The paper on growth says what its sums come to."""

from dataclasses import replace

import pytest

from deploy.local.bench import scale


def test_the_tables_of_the_paper_are_as_computed() -> None:
    assert f"<!-- scale -->\n{scale.tables()}<!-- end -->\n" in scale.PAPER.read_text(encoding="utf-8"), (
        "python -m deploy.local.bench.scale"
    )


def test_a_load_is_the_sum_that_the_paper_states() -> None:
    measured = scale.Measured(
        payment_service_ms=1,
        payment_database_ms=0.5,
        rows={"one": 2, "two": 3},
        bytes={"one": 1e4},
        stays={"one": 5e3},
    )
    load = scale.load_of(3_600_000, measured)
    assert load.payments_last_day == pytest.approx(360_000)
    assert load.payments_busiest_hour == pytest.approx(72_000)
    assert load.payments_a_second == pytest.approx(60)
    assert load.questions_a_second == pytest.approx(180)
    assert load.service_cores == pytest.approx(240 * 0.001 / 0.5)
    assert load.database_cores == pytest.approx(240 * 0.0005 / 0.5)
    assert load.rows_a_year == pytest.approx(18_000_000)
    assert load.bytes_kept == pytest.approx(3.6e11)
    assert load.bytes_archived == pytest.approx(3.6e6 * (2 * 1e4 + 8 * 5e3))
    assert load.nodes == 1


def test_nodes_are_what_bytes_or_cores_ask_for() -> None:
    measured = scale.measured_here()
    of_bytes = replace(measured, bytes={"one": 2 * scale.NODE_BYTES / scale.YEARS})
    assert scale.load_of(1, of_bytes).nodes == 2
    archived = replace(of_bytes, stays={"one": 0.5 * scale.NODE_BYTES / scale.YEARS})
    assert scale.load_of(1, archived).nodes_archived == 1
    of_cores = replace(measured, payment_database_ms=1e6, bytes={"one": 1})
    assert scale.load_of(1_000_000, of_cores).nodes > 1000
