"""On a Citus cluster (TEST_CITUS_URL): what `tests/test_routing.py` reads in statements is what Citus makes of them."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.engine import make_url

from deploy.citus.tables import in_order, statements
from tests import store_texts
from tests.citus import Cluster
from tests.suite import ORDER
from tests.test_routing import KNOWN

_VALUES: Mapping[str, Any] = {
    "text": "140522",
    "uuid": UUID(int=1),
    "int2": 1,
    "int4": 1,
    "int8": 1,
    "float8": 1.0,
    "numeric": Decimal(1),
    "bool": True,
    "bytea": b"1",
    "jsonb": "[]",
    "date": date(2026, 1, 1),
    "timestamp": datetime(2026, 1, 1),  # noqa: DTZ001 -- of a type without a zone
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
}
_TWICE = "multiple assignments to same column"
"""Said of an update whose columns the caller names: any name stands for them here."""


@pytest.fixture
async def connections(
    cluster: Cluster | None, databases: Mapping[str, str]
) -> AsyncIterator[Mapping[str, asyncpg.Connection]]:
    if cluster is None:
        pytest.skip("TEST_CITUS_URL is not given")
    made = {
        service: await asyncpg.connect(make_url(address).set(drivername="postgresql").render_as_string(False))
        for service, address in databases.items()
    }
    yield made
    for connection in made.values():
        await connection.close()


async def _plan(connection: asyncpg.Connection, sql: str) -> str:
    """What Citus makes of a statement whose parameters have any values."""
    compiled = str(text(sql).compile(dialect=dialect.dialect()))
    prepared = await connection.prepare(compiled)
    kinds = [parameter.name for parameter in prepared.get_parameters()]
    values = [[_VALUES[kind[:-2]]] if kind.endswith("[]") else _VALUES[kind] for kind in kinds]
    return "\n".join(row[0] for row in await connection.fetch(f"explain {compiled}", *values))


@pytest.mark.parametrize("service", ORDER)
async def test_every_table_is_distributed_beside_the_others(
    connections: Mapping[str, asyncpg.Connection], service: str
) -> None:
    connection = connections[service]
    for statement in statements(service):
        await connection.execute(statement)  # once more
    rows = await connection.fetch(
        "select table_name::text as name, citus_table_type as kind, distribution_column as by, colocation_id as place "
        "from citus_tables"
    )
    assert sorted(row["name"] for row in rows) == sorted(in_order(service))
    assert {(row["kind"], row["by"]) for row in rows} == {("distributed", "pool")}
    assert len({row["place"] for row in rows}) == 1


@pytest.mark.parametrize("service", ORDER)
async def test_a_statement_of_one_pool_is_a_task_of_one_node(
    connections: Mapping[str, asyncpg.Connection], service: str
) -> None:
    wrong = []
    for module in [*store_texts.shared_modules(), *store_texts.modules(service)]:
        for each in store_texts.texts(module):
            if not re.match(r"\s*(with|select|insert|update|delete)\b", each.sql):
                continue
            try:
                plan = await _plan(connections[service], each.sql)
            except asyncpg.UndefinedTableError:
                assert module in store_texts.shared_modules(), each  # of a table that another service has
                continue
            except asyncpg.PostgresError as error:
                wrong += [] if _TWICE in str(error) else [f"{each.function} ({each.place}): {error}"]
                continue
            tasks = re.findall(r"Task Count: (\d+)", plan)
            if each.function.removeprefix("services.") not in KNOWN and set(tasks) - {"1"}:
                wrong.append(f"{each.function} ({each.place}): {' and '.join(tasks)} tasks")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("service", ORDER)
async def test_every_invariant_and_alarm_can_be_asked(
    connections: Mapping[str, asyncpg.Connection], service: str
) -> None:
    module = import_module(f"services.{service}.invariants")
    asked: Sequence[Any] = [*module.INVARIANTS, *module.ALARMS]
    wrong = []
    for invariant in asked:
        try:
            await _plan(connections[service], f"with broken as ({invariant.sql}) select pool, subject from broken")
        except asyncpg.PostgresError as error:
            wrong.append(f"{invariant.name}: {error}")
    assert asked
    assert not wrong, "\n".join(wrong)
