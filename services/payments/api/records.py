"""Routes about payment records."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query

from shared import tokens
from shared.codes import Channel
from shared.pages import Limit, Pool
from shared.problem import declare

from .. import usecases
from ..schemas import records as wire
from .parts import Reading, Service

router = APIRouter()

Cursor = Annotated[
    UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
]
ChannelFilter = Annotated[Channel | None, Query(description="Only of this channel", examples=["wechat"])]


@router.get(
    "/v1/payers/{payer_id}/payments",
    response_model=wire.PaymentRecordPage,
    responses=declare(*tokens.DECLARED),
    tags=["records"],
)
async def list_payments_by_payer(
    service: Service,
    caller: Reading,
    payer_id: Annotated[
        UUID, Path(description="The payer's person_id", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"])
    ],
    pool: Pool,
    channel: ChannelFilter = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """我的缴费记录: what a payer paid and for whom, the latest first (S004-27)."""
    return await usecases.list_records(
        service, caller, pool, payer_id=payer_id, channel=channel, after=after, limit=limit
    )


@router.get(
    "/v1/persons/{person_id}/payments",
    response_model=wire.PaymentRecordPage,
    responses=declare(*tokens.DECLARED),
    tags=["records"],
)
async def list_payments_for_person(
    service: Service,
    caller: Reading,
    person_id: Annotated[
        UUID, Path(description="The insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    ],
    pool: Pool,
    channel: ChannelFilter = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """参保人缴费查询: what was paid for an insured person over all channels, and how far it has come (S004-28)."""
    return await usecases.list_records(
        service, caller, pool, person_id=person_id, channel=channel, after=after, limit=limit
    )
