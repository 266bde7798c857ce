"""Joins the parts of refunds."""

from collections.abc import Mapping

import httpx
from fastapi import FastAPI

from shared.clock import Clock, WallClock
from shared.http import Upstream
from shared.rotation.columns import shared_columns
from shared.service import build, client_credentials, database_of, verifier

from . import jobs
from .api import router
from .clients import PaymentsClient, RegistrationClient
from .invariants import ALARMS, INVARIANTS
from .settings import Settings
from .tables import metadata
from .usecases import Refunds

REVISION = "0007_alter_evidence"
"""The migration this code expects."""


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
) -> FastAPI:
    """The application. `clock` tells business time; `transports` stand in for the network in one-process runs."""
    settings = settings or Settings()
    clock = clock or WallClock()
    by_name = transports or {}
    database = database_of(settings)
    payments, registration = (
        Upstream(name, url, client_credentials(settings, by_name), by_name.get(name))
        for name, url in (("payments", settings.payments_url), ("registration", settings.registration_url))
    )
    service = Refunds(settings, database, clock, PaymentsClient(payments), RegistrationClient(registration))
    following = jobs.followers(service)
    return build(
        "refunds",
        title="Canbao refunds",
        settings=settings,
        database=database,
        verifier=verifier(settings, by_name),
        service=service,
        router=router,
        invariants=INVARIANTS,
        alarms=ALARMS,
        clock=clock,
        jobs=jobs.jobs(service, following),
        followers=following,
        revision=REVISION,
        sealed=shared_columns(metadata),
        close=[payments.close, registration.close],
    )
