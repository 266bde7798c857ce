"""Joins the parts of payments."""

from collections.abc import Mapping

import httpx
from fastapi import FastAPI

from shared.clock import Clock, WallClock
from shared.database import Database
from shared.http import Upstream
from shared.service import build, client_credentials, verifier

from . import jobs
from .api import router
from .clients import RegistrationClient
from .invariants import INVARIANTS
from .settings import Settings
from .usecases import Payments

REVISION = "0014_alter_reversal"
"""The migration this code expects."""


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
) -> FastAPI:
    """The application. `clock` tells business time; `transports` stand in for the network in one-process runs."""
    settings = settings or Settings()
    by_name = transports or {}
    database = Database(settings.database_url, pool_size=settings.pool_size)
    registration = Upstream(
        "registration", settings.registration_url, client_credentials(settings, by_name), by_name.get("registration")
    )
    service = Payments(settings, database, clock or WallClock(), RegistrationClient(registration))
    following = jobs.followers(service)
    return build(
        "payments",
        title="Canbao payments",
        settings=settings,
        database=database,
        verifier=verifier(settings, by_name),
        service=service,
        router=router,
        invariants=INVARIANTS,
        jobs=jobs.jobs(service, following),
        followers=following,
        revision=REVISION,
        close=[registration.close],
    )
