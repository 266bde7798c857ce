"""Joins the parts of registration."""

from collections.abc import Mapping

import httpx
from fastapi import FastAPI

from shared.clock import Clock, WallClock
from shared.http import Upstream
from shared.rotation.columns import shared_columns
from shared.sealing import Sealer
from shared.service import build, client_credentials, database_of, verifier

from . import jobs
from .api import router
from .clients import EligibilityClient
from .invariants import ALARMS, INVARIANTS
from .settings import Settings
from .tables import metadata
from .usecases import RETAINED, Registration

REVISION = "0020_alter_evidence"
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

    def upstream(name: str, url: str) -> Upstream:
        return Upstream(name, url, client_credentials(settings, by_name), by_name.get(name))

    eligibility = upstream("eligibility", settings.eligibility_url)
    payments = upstream("payments", settings.payments_url)
    keys = settings.sealing_keys.get_secret_value()
    service = Registration(
        settings,
        database,
        clock,
        EligibilityClient(eligibility),
        Sealer.from_setting(keys) if keys else None,
    )
    following = jobs.followers(service, payments)
    return build(
        "registration",
        title="Canbao registration",
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
        retained=RETAINED,
        sealed=shared_columns(metadata),
        close=[eligibility.close, payments.close],
    )
