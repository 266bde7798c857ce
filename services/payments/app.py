"""Joins the parts of payments."""

from collections.abc import Mapping

import httpx
from fastapi import FastAPI

from shared.clock import Clock, WallClock
from shared.http import Upstream
from shared.rates import Rates
from shared.references import load_secret
from shared.sealing import Sealer
from shared.service import build, client_credentials, database_of, verifier

from . import jobs
from .api import router
from .clients import (
    Bank,
    RegistrationClient,
    TaxAssessments,
    TaxOffice,
    TreasuryFront,
    UnionPayClient,
    WechatClient,
    banks_of,
)
from .formats.tax import Rfc9421
from .formats.tax_sm2 import ByKey, Sm2Key
from .formats.tips import Tips
from .invariants import ALARMS, INVARIANTS
from .settings import Settings, TreasurySettings
from .usecases import SEALED, Payments

REVISION = "0040_alter_evidence"
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
    registration = Upstream(
        "registration", settings.registration_url, client_credentials(settings, by_name), by_name.get("registration")
    )
    keys = settings.sealing_keys.get_secret_value()
    banks = banks_of(settings.banks, by_name.get("bank"))
    wechat = WechatClient.of(settings.wechat, by_name.get("wechat"))
    unionpay = UnionPayClient.of(settings.unionpay, by_name.get("unionpay"))
    tax_office = TaxOffice.of(settings.tax_office, by_name.get("tax"))
    tax_assessments = TaxAssessments.of(settings.tax_assessments, settings.tax_office, by_name.get("tax"))
    treasury = TreasuryFront.of(settings.treasury, by_name.get("treasury"))
    channels: list[Bank | TaxAssessments | TaxOffice | TreasuryFront | UnionPayClient | WechatClient] = [
        *banks.values(),
        *([wechat] if wechat else []),
        *([unionpay] if unionpay else []),
        *([tax_office] if tax_office else []),
        *([tax_assessments] if tax_assessments else []),
        *([treasury] if treasury else []),
    ]
    service = Payments(
        settings,
        database,
        clock,
        RegistrationClient(registration),
        tax_signatures=ByKey(
            Rfc9421(settings.tax_keys),
            {key_id: Sm2Key(**key.model_dump()) for key_id, key in settings.tax_sm2_keys.items()},
        ),
        keys=Sealer.from_setting(keys) if keys else None,
        banks=banks,
        wechat=wechat,
        unionpay=unionpay,
        tax_office=tax_office,
        check_rate=Rates(settings.receipts.checks_per_minute, 60),
        number_rate=Rates(settings.receipts.checks_per_minute, 3600),
        tax_assessments=tax_assessments,
        tips=_tips(settings.treasury),
        treasury=treasury,
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
        sealed=SEALED,
        close=[registration.close, *(channel.close for channel in channels)],
    )


def _tips(settings: TreasurySettings | None) -> Tips | None:
    """What reads and writes the treasury's packages, where the settings know it."""
    if settings is None:
        return None
    return Tips(load_secret(settings.key), settings.encoding, settings.success_states, settings.voucher_types)
