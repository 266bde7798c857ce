"""A real Postgres for the tests, a fresh database per test from a migrated template, and the suite in one process.

The Postgres is, in this order: the one at TEST_POSTGRES_URL, a container where an engine answers, the embedded one.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from shared import logs
from tests.suite import InProcessSuite, migrate_all

_SERVICES = ("eligibility", "registration", "payments", "refunds")


@pytest.fixture(scope="session", autouse=True)
def logging() -> None:
    """Log as the services do; without it a failure is rendered with every local variable, which takes seconds."""
    logs.configure("tests")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The address of a Postgres whose superuser we are."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield make_url(given)
    elif _engine_answers():
        yield from _container()
    else:
        yield from _embedded()


@pytest.fixture(scope="session")
def templates(postgres: URL) -> dict[str, str]:
    """A migrated, empty database of each service, to be cloned: service → its name."""
    names = {service: f"template_{service}_{os.getpid()}" for service in _SERVICES}
    for name in names.values():
        made = f"create database \"{name}\" template template0 encoding 'UTF8' locale 'C'"  # whatever the server's are
        asyncio.run(_run(postgres, f'drop database if exists "{name}"', made))
    migrate_all({service: _address(postgres, name) for service, name in names.items()})
    return names


@pytest.fixture
async def databases(postgres: URL, templates: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    """A fresh database of each service for this test: service → its address."""
    names = {service: f"test_{service}_{os.getpid()}" for service in _SERVICES}
    for service, name in names.items():
        await _run(
            postgres,
            f'drop database if exists "{name}" with (force)',
            f'create database "{name}" template "{templates[service]}"',
        )
    yield {service: _address(postgres, name) for service, name in names.items()}
    for name in names.values():
        await _run(postgres, f'drop database if exists "{name}" with (force)')


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """The four services and the issuer in one process, joined by ASGI transports, with a clock that the test sets."""
    running = InProcessSuite(databases, tmp_path / "keys")
    yield running
    await running.close()


def _address(postgres: URL, database: str) -> str:
    return postgres.set(drivername="postgresql+asyncpg", database=database).render_as_string(hide_password=False)


async def _run(postgres: URL, *statements: str) -> None:
    connection = await asyncpg.connect(
        postgres.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    )
    try:
        for statement in statements:
            await connection.execute(statement)
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
