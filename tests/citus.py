"""The databases of the tests on a Citus cluster (`TEST_CITUS_URL`: its coordinator): every table distributed by pool.

What the cluster needs for that stands in deploy/citus/README.md.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from deploy.citus.tables import statements
from tests.state_guards import guards
from tests.suite import migrate_all

_CUT_OFF = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid() and backend_type = 'client backend' and application_name not like 'citus%'"
)
# On a worker, its shards, without their triggers: through the coordinator it takes a hundred times as long.
_EMPTY = """
do $$
declare
    name text;
    filled boolean;
begin
    set local citus.override_table_visibility = off;
    set local citus.enable_manual_changes_to_shards = on;
    set local session_replication_role = replica;
    for name in select cast(oid as regclass) from pg_class where relkind = 'r' and relation_is_a_known_shard(oid) loop
        execute format('select exists (select 1 from %s)', name) into filled;
        if filled then
            execute format('delete from %s', name);
        end if;
    end loop;
end $$
"""
_PLANNED = "it reads Postgres's own plan, which on a cluster every node makes for itself behind that of Citus"
ON_ONE_POSTGRES: Mapping[str, str] = {
    "test_no_statement_goes_through_a_big_table": _PLANNED,
    "test_a_register_that_fills_is_asked_step_by_step_before_there_are_statistics": _PLANNED,
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

    async def empty(self, name: str) -> None:
        """Cut off whoever is left and remove every row."""
        await _run(self._coordinator.set(database=name), _CUT_OFF)
        for worker in self._workers:
            await _run(worker.set(database=name), _EMPTY)

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
            f'alter database "{name}" set citus.override_table_visibility = off',  # as nodes.sql, where the reason is
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
