"""Long lists of rows are stored as they are given, though a column that says the same in all of them is one value."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.payments.tables import submission
from shared import chain
from shared.database import Database
from shared.ids import new_id

POOL = "999001"
AT = datetime(2021, 9, 1, tzinfo=UTC)
MESSAGES: list[list[Any]] = [
    [{"payer": "王小明", "said": [1, None]}] * chain.LONG,
    [{"n": n} for n in range(chain.LONG)],
    [{"n": 0}, *[{"n": n % 2} for n in range(chain.LONG - 2)], {"n": 0}],
    [{"n": 1}, *[{"n": True} for _ in range(chain.LONG - 2)], {"n": 1}],  # equal in Python, not in JSON
]


@pytest.fixture
async def database(databases: dict[str, str]) -> AsyncIterator[Database]:
    opened = Database(databases["payments"])
    yield opened
    await opened.close()


def row(n: int, message: Any) -> dict[str, Any]:
    return {
        "pool": POOL,
        "submission_id": new_id(),
        "channel": "etax",
        "reference": f"T{n}",
        "bill_no": "B1",
        "amount_fen": 32000,
        "paid_at": AT,
        "message": message,
        "received_at": AT,
    }


@pytest.mark.parametrize(
    "messages", MESSAGES, ids=["all the same", "all different", "first and last the same", "ones and trues"]
)
async def test_a_long_list_is_stored_as_it_is_given(database: Database, messages: list[Any]) -> None:
    rows = [row(n, message) for n, message in enumerate(messages)]
    async with database.writing() as tx:
        returned = await tx.insert(submission, rows, tail="returning reference")
    async with database.reading() as tx:
        stored = await tx.rows(f"select {', '.join(rows[0])} from submission order by submission_id")
    assert [dict(one) for one in stored] == rows
    assert [repr(one["message"].get("n")) for one in stored] == [repr(one.get("n")) for one in messages]
    assert [one["reference"] for one in returned] == [one["reference"] for one in rows]


async def test_a_long_list_of_one_row_repeated_conflicts_with_itself(database: Database) -> None:
    async with database.writing() as tx:
        stored = await tx.insert(
            submission, [row(1, {})] * chain.LONG, tail="on conflict do nothing returning submission_id"
        )
    assert len(stored) == 1
