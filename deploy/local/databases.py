"""The databases of the suite, whether it runs or not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.local import places
from deploy.local.lock import holder
from deploy.local.postgres import EmbeddedPostgres


def create_databases(postgres: EmbeddedPostgres) -> dict[str, str]:
    """Make the database of each service unless it is there; service → URL."""
    for service in places.SERVICES:
        postgres.create_database(service)
    return {service: postgres.url(service) for service in places.SERVICES}


def running_suite() -> dict[str, Any] | None:
    """The state of the suite (out/local/suite.json) if it runs."""
    if holder(places.SUITE_LOCK) is None or not places.STATE.exists():
        return None
    state: dict[str, Any] = json.loads(places.STATE.read_bytes())
    return state


@contextmanager
def suite_databases() -> Iterator[dict[str, str]]:
    """Service → URL: of the running suite, or else of the kept data, on a Postgres that runs as long as the block.

    Raises SystemExit with one sentence while the suite is starting or stopping.
    """
    state = running_suite()
    if state is not None and state["ready"]:
        yield state["databases"]
        return
    if holder(places.SUITE_LOCK) is not None:
        raise SystemExit("the suite is starting or stopping; try again in a moment")
    with EmbeddedPostgres(places.POSTGRES) as postgres:
        yield create_databases(postgres)
