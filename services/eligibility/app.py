"""Joins the parts of eligibility."""

from collections.abc import Mapping
from pathlib import Path

import httpx
from fastapi import FastAPI

from shared.clock import Clock, WallClock
from shared.sealing import Sealer
from shared.service import build, database_of, verifier

from . import jobs
from .api import router
from .formats import read_suppliers
from .invariants import ALARMS, INVARIANTS
from .settings import Settings
from .usecases import RETAINED, SEALED, Eligibility

REVISION = "0021_alter_evidence"
"""The migration this code expects."""

_SUPPLIERS = Path(__file__).with_name("suppliers.yaml")


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
) -> FastAPI:
    """The application. `clock` tells business time; `transports` stand in for the network in one-process runs."""
    settings = settings or Settings()
    clock = clock or WallClock()
    database = database_of(settings)
    keys = settings.sealing_keys.get_secret_value()
    service = Eligibility(
        settings,
        database,
        clock,
        read_suppliers(_SUPPLIERS.read_bytes()),
        Sealer.from_setting(keys) if keys else None,
    )
    return build(
        "eligibility",
        title="Canbao eligibility",
        settings=settings,
        database=database,
        verifier=verifier(settings, transports or {}),
        service=service,
        router=router,
        invariants=INVARIANTS,
        alarms=ALARMS,
        clock=clock,
        jobs=jobs.jobs(service),
        followers=[],
        revision=REVISION,
        retained=RETAINED,
        sealed=SEALED,
    )
