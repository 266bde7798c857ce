"""Joins the parts of payments."""

from collections.abc import Mapping

import httpx
from fastapi import FastAPI

from shared.clock import Clock, WallClock
from shared.database import Database
from shared.http import Upstream
from shared.sealing import Sealer
from shared.service import build, client_credentials, verifier

from . import jobs
from .api import router
from .clients import Bank, RegistrationClient, TaxOffice, WechatClient, banks_of
from .formats.tax import Rfc9421
from .invariants import ALARMS, INVARIANTS
from .settings import Settings
from .usecases import Payments

REVISION = "0017_alter_bill"
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
    database = Database(settings.database_url, pool_size=settings.pool_size)
    registration = Upstream(
        "registration", settings.registration_url, client_credentials(settings, by_name), by_name.get("registration")
    )
    keys = settings.sealing_keys.get_secret_value()
    banks = banks_of(settings.banks, by_name.get("bank"))
    wechat = WechatClient.of(settings.wechat, by_name.get("wechat"))
    tax_office = TaxOffice.of(settings.tax_office, by_name.get("tax"))
    channels: list[Bank | TaxOffice | WechatClient] = [
        *banks.values(),
        *([wechat] if wechat else []),
        *([tax_office] if tax_office else []),
    ]
    service = Payments(
        settings,
        database,
        clock,
        RegistrationClient(registration),
        tax_signatures=Rfc9421(settings.tax_keys),
        keys=Sealer.from_setting(keys) if keys else None,
        banks=banks,
        wechat=wechat,
        tax_office=tax_office,
    )
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
        alarms=ALARMS,
        clock=clock,
        jobs=jobs.jobs(service, following),
        followers=following,
        revision=REVISION,
        close=[registration.close, *(channel.close for channel in channels)],
    )
