"""A real Postgres for the tests, a fresh database per test from a migrated template, and the suite in one process.

The Postgres is, in this order: the one at TEST_POSTGRES_URL, a container where an engine answers, the embedded one.
With TEST_CITUS_URL it is a Citus cluster, and every table is distributed by pool (`tests/citus.py`).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from shared import logs
from tests.citus import ON_ONE_POSTGRES, Cluster
from tests.state_guards import guards
from tests.suite import InProcessSuite, migrate_all

_SERVICES = ("eligibility", "registration", "payments", "refunds")

_CUT_OFF = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid()"
)
_TABLES = "pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'"
# Without its triggers, of which those of foreign keys would ask for an order, and those of frozen tables refuse.
_EMPTY = f"""
do $$
declare
    name text;
    filled boolean;
begin
    set local session_replication_role = replica;
    for name in select cast(oid as regclass) from {_TABLES} loop
        execute format('select exists (select 1 from %s)', name) into filled;
        if filled then
            execute format('delete from %s', name);
        end if;
    end loop;
end $$
"""
_SCHEMA = """
select md5(string_agg(part, ';' order by part)) from (
    select format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull) as part from pg_attribute
    where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace) and attnum > 0
    union all select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
    where connamespace = 'public'::regnamespace
    union all select format('%s %s', tgrelid::regclass, tgenabled) from pg_trigger where not tgisinternal
    union all select prosrc from pg_proc where pronamespace = 'public'::regnamespace
) as parts
"""
_clean: dict[str, str] = {}
"""The databases that are empty and as their template was: name → what their schema looked like."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip on a cluster what only one Postgres can show."""
    if not os.environ.get("TEST_CITUS_URL"):
        return
    for item in items:
        reason = ON_ONE_POSTGRES.get(getattr(item, "originalname", item.name))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def logging() -> None:
    """Log as the services do; without it a failure is rendered with every local variable, which takes seconds."""
    logs.configure("tests")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The address of a Postgres whose superuser we are."""
    given = os.environ.get("TEST_CITUS_URL") or os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield make_url(given)
    elif _engine_answers():
        yield from _container()
    else:
        yield from _embedded()


@pytest.fixture(scope="session")
def cluster(postgres: URL) -> Cluster | None:
    """The Citus cluster that was given, if any."""
    return Cluster(postgres) if os.environ.get("TEST_CITUS_URL") else None


@pytest.fixture(scope="session")
def templates(postgres: URL, cluster: Cluster | None) -> Iterator[dict[str, str]]:
    """A migrated, empty database of each service, to be cloned: service → its name. In the end nothing is left.

    A cluster has no templates: its databases are made once, and emptied.
    """
    if cluster:
        yield {}
        for service in _SERVICES:
            cluster.drop(_name(service))
        return
    names = {service: f"template_{service}_{os.getpid()}" for service in _SERVICES}
    for name in names.values():
        made = f"create database \"{name}\" template template0 encoding 'UTF8' locale 'C'"  # whatever the server's are
        asyncio.run(_run(postgres, f'drop database if exists "{name}"', made))
    migrate_all({service: _address(postgres, name) for service, name in names.items()})
    for service, name in names.items():
        asyncio.run(_run(postgres, *guards(service), database=name))
    yield names
    for name in (*names.values(), *(_name(service) for service in _SERVICES)):
        asyncio.run(_run(postgres, f'drop database if exists "{name}" with (force)'))


@pytest.fixture
async def databases(postgres: URL, cluster: Cluster | None, templates: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    """An empty database of each service for this test: service → its address.

    Emptied after the test, because that takes a tenth of the time of cloning one; one whose schema a test has changed
    is cloned anew.
    """
    names = {service: _name(service) for service in _SERVICES}
    for service, name in names.items():
        if name not in _clean:
            if cluster:
                await asyncio.to_thread(cluster.make, service, name)
            else:
                await _clone(postgres, templates[service], name)
            _clean[name] = await _run(postgres, _SCHEMA, database=name)
    yield {service: _address(postgres, name) for service, name in names.items()}
    for name in names.values():
        schema = _clean.pop(name)
        if cluster:
            await cluster.empty(name)
        else:
            await _run(postgres, _CUT_OFF, _EMPTY, database=name)
        if await _run(postgres, _SCHEMA, database=name) == schema:
            _clean[name] = schema


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """The four services and the issuer in one process, joined by ASGI transports, with a clock that the test sets."""
    running = InProcessSuite(databases, tmp_path / "keys")
    yield running
    await running.close()


def _address(postgres: URL, database: str) -> str:
    return postgres.set(drivername="postgresql+asyncpg", database=database).render_as_string(hide_password=False)


def _name(service: str) -> str:
    return f"test_{service}_{os.getpid()}"


async def _clone(postgres: URL, template: str, name: str) -> None:
    await _run(
        postgres, f'drop database if exists "{name}" with (force)', f'create database "{name}" template "{template}"'
    )


async def _run(postgres: URL, *statements: str, database: str = "postgres") -> Any:
    """Run statements as the superuser; the first value of the last one's answer."""
    connection = await asyncpg.connect(
        postgres.set(drivername="postgresql", database=database).render_as_string(hide_password=False)
    )
    try:
        answer = None
        for statement in statements:
            answer = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


def _engine_answers() -> bool:
    kind, _, place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    if kind == "unix" and not Path(place).exists():
        return False
    import docker  # noqa: PLC0415 -- only where there is an engine

    with suppress(Exception):
        client = docker.from_env()
        client.ping()
        client.close()
        return True
    return False


def _container() -> Iterator[URL]:
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 -- only where there is an engine

    # Like the embedded one of the tests: room for many connections, and nothing forced to disk.
    settings = ("max_connections=200", "jit=off", "fsync=off", "full_page_writes=off")
    command = ["postgres", *(part for setting in settings for part in ("-c", setting))]
    with PostgresContainer("postgres:18", driver=None).with_command(command) as container:
        yield make_url(container.get_connection_url(host="127.0.0.1"))  # the only place that tests may call


def _embedded() -> Iterator[URL]:
    from deploy.local import places  # noqa: PLC0415 -- only where nothing else is given
    from deploy.local.postgres import EmbeddedPostgres  # noqa: PLC0415

    server = EmbeddedPostgres(places.LOCAL / f"tests-{os.getpid()}", durable=False)
    try:
        server.start()
        yield make_url(server.url("postgres"))
    finally:
        server.drop()
