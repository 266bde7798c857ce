"""Long lists of rows are stored as they are given, though a column that says the same in all of them is one value."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from services.payments.tables import submission
from shared import chain
from shared.database import Database
from shared.ids import new_id
from tests.waiting import end_waiting, wait_for

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


async def test_a_copy_that_is_refused_stores_nothing_and_says_why(database: Database) -> None:
    """The reason is where that of an insert stands, and the connection serves on."""
    rows = [row(n, {}) for n in range(chain.LONG)]
    with pytest.raises(DBAPIError) as refused:
        async with database.writing() as tx:
            await tx.copy(submission, [*rows, rows[0]])
    assert getattr(refused.value.orig, "sqlstate", None) == "23505"
    assert not refused.value.connection_invalidated
    async with database.writing() as tx:
        await tx.copy(submission, rows)
        assert await tx.value("select count(*) from submission") == chain.LONG


async def test_a_connection_that_is_lost_under_a_copy_is_a_failure_that_may_be_tried_again(database: Database) -> None:
    rows = [row(n, {"said": "x" * 100_000}) for n in range(chain.LONG)]  # more than stands between us and the database

    async def copied() -> None:
        async with database.writing() as tx:
            await tx.copy(submission, rows)

    async with database.writing() as holder:
        await holder.insert(submission, rows[:1])
        copying = asyncio.create_task(copied())
        await wait_for(database, 1)
        assert await end_waiting(database)
        with pytest.raises(DBAPIError) as lost:
            await copying
    assert lost.value.connection_invalidated
    async with database.writing() as tx:
        await tx.copy(submission, rows[1:])
        assert await tx.value("select count(*) from submission") == chain.LONG
