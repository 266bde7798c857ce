"""Routes about collections."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from shared import tokens
from shared.pages import Limit, Pool
from shared.problem import declare

from .. import schemas, usecases
from .parts import CollectionId, PayerId, PersonId, Reading, Service

router = APIRouter()


@router.get(
    "/v1/collections", response_model=schemas.CollectionPage, responses=declare(*tokens.DECLARED), tags=["collections"]
)
async def list_collections(
    service: Service,
    caller: Reading,
    pool: Pool,
    person_id: PersonId = None,
    payer_id: PayerId = None,
    bill_no: Annotated[
        str | None, Query(max_length=64, description="Only money for this bill", examples=["9901017QK3M9Z5T2WB8XCD"])
    ] = None,
    limit: Limit = 100,
    after: Annotated[
        UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    ] = None,
) -> Any:
    """Money that has come, by insured person, by payer or by bill, over all channels."""
    return await usecases.list_collections(
        service, caller, pool, after=after, limit=limit, person_id=person_id, payer_id=payer_id, bill_no=bill_no
    )


@router.get(
    "/v1/collections/{collection_id}",
    response_model=schemas.Collection,
    responses=declare(*tokens.DECLARED, schemas.COLLECTION_UNKNOWN),
    tags=["collections"],
)
async def read_collection(service: Service, caller: Reading, collection_id: CollectionId, pool: Pool) -> Any:
    """One collection."""
    return await usecases.read_collection(service, caller, pool, collection_id)
