"""The databases of the tests on a Citus cluster (`TEST_CITUS_URL`: its coordinator): every table distributed by pool.

What the cluster needs for that stands in deploy/citus/README.md.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from deploy.citus.tables import in_order, statements
from tests.state_guards import guards
from tests.suite import migrate_all

_CUT_OFF = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid() and backend_type = 'client backend' and application_name not like 'citus%'"
)
_WATCHED = "it looks at the coordinator for who waits for a lock, and the waiting is done on a worker"
_WHOLE = "it locks the rows of a whole table, which a cluster does for one pool at a time"
ON_ONE_POSTGRES: Mapping[str, str] = {
    "test_a_batch_takes_its_collections_before_the_receipt_books_as_a_refund_does": _WATCHED,
    "test_a_slip_is_locked_before_bills_whether_it_is_voided_or_told_again": _WATCHED,
    "test_a_message_that_says_another_amount_at_the_moment_of_approval_is_not_taken_for_the_line": _WATCHED,
    "test_an_approval_that_dies_leaves_nothing_and_its_retry_books_once": _WATCHED,
    "test_a_bill_is_not_ordered_while_its_release_is_being_committed": _WATCHED,
    "test_a_release_waits_for_an_order_that_is_being_stored_and_leaves_its_bill_out": _WATCHED,
    "test_a_database_that_dies_after_settling_leaves_nothing_and_the_bank_is_told_nothing": _WATCHED,
    "test_a_database_that_dies_before_the_commit_makes_nobody_pay_twice": _WHOLE,
    "test_sigterm_ends_it_after_the_request_in_flight_was_answered": _WHOLE,
    "test_a_message_that_cannot_be_acted_upon_now_is_answered_and_waits_for_the_job": (
        "it drops a function in one transaction with its trigger, which Citus does not"
    ),
}
"""Tests that cannot by their nature be run on a cluster, and why; they are skipped there."""
_WORKERS = "select nodename, nodeport from pg_dist_node where noderole = 'primary' and groupid > 0 order by nodeid"


class Cluster:
    """A cluster whose superuser we are; its coordinator's own database (that of the URL) knows the workers."""

    def __init__(self, coordinator: URL) -> None:
        self._coordinator = coordinator
        workers = asyncio.run(_run(coordinator, _WORKERS))
        self._workers = [coordinator.set(host=row["nodename"], port=row["nodeport"]) for row in workers]

    def make(self, service: str, name: str) -> None:
        """A database of a service on every node: migrated, with the guards of the tests, distributed, empty."""
        asyncio.run(self._create(name))
        address = self._coordinator.set(drivername="postgresql+asyncpg", database=name)
        migrate_all({service: address.render_as_string(hide_password=False)})
        asyncio.run(_run(address, *guards(service), *statements(service)))

    async def empty(self, service: str, name: str) -> None:
        """Cut off whoever is left and remove every row."""
        database = self._coordinator.set(database=name)
        filled = " union all ".join(
            f"(select '{table}' as name from {table} limit 1)" for table in reversed(in_order(service))
        )
        names = [row["name"] for row in await _run(database, _CUT_OFF, filled)]
        await _run(database, *(f"delete from {table}" for table in names))

    def drop(self, name: str) -> None:
        """Remove a database from every node."""
        asyncio.run(self._drop(name))

    async def _create(self, name: str) -> None:
        await self._drop(name)
        for node in (self._coordinator, *self._workers):
            await _run(node, f"create database \"{name}\" template template0 encoding 'UTF8' locale 'C'")
            await _run(node.set(database=name), "create extension citus")
        await _run(
            self._coordinator.set(database=name),
            f"select citus_set_coordinator_host('{self._coordinator.host}', {self._coordinator.port})",
            *(f"select citus_add_node('{worker.host}', {worker.port})" for worker in self._workers),
        )

    async def _drop(self, name: str) -> None:
        for node in (self._coordinator, *self._workers):
            await _run(node, f'drop database if exists "{name}" with (force)')


async def _run(database: URL, *statements: str) -> list[Any]:
    """Run statements as the superuser; the rows of the last one."""
    address = database.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address)
    try:
        rows: list[Any] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()
