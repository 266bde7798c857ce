"""What the routes share: the service, and who may call."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from shared.routing import of_request
from shared.tokens import Caller, needs

from .. import usecases

Reading = Annotated[Caller, Depends(needs("payments:read"))]
Writing = Annotated[Caller, Depends(needs("payments:write"))]
Checking = Annotated[Caller, Depends(needs("payments:check"))]
Approving = Annotated[Caller, Depends(needs("payments:approve"))]
Paying = Annotated[Caller, Depends(needs("payments:pay"))]

PersonId = Annotated[
    UUID | None, Query(description="The insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
]
PayerId = Annotated[
    UUID | None, Query(description="The payer's person_id", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"])
]
BillNo = Annotated[str, Path(description="The bill", examples=["9901017QK3M9Z5T2WB8XCD"])]
ShiftId = Annotated[UUID, Path(description="The shift", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])]
CollectionId = Annotated[UUID, Path(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])]
ReceiptNo = Annotated[str, Path(description="The receipt", examples=["TAXHALL01-00000042"])]
DeviceId = Annotated[UUID, Path(description="The device", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])]
LedgerId = Annotated[UUID, Path(description="The ledger", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a08"])]
RemittanceId = Annotated[UUID, Path(description="The slip", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a09"])]
ClaimReceiptId = Annotated[
    UUID, Path(description="The money received on a claim", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a0a"])
]
RefundId = Annotated[UUID, Path(description="The refund", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])]
SchemeName = Annotated[str, Query(max_length=60, description="Scheme", examples=["example-2031"])]


@of_request
async def _service(request: Request) -> usecases.Payments:
    service: usecases.Payments = request.app.state.service
    return service


Service = Annotated[usecases.Payments, Depends(_service)]

_SMALL_BYTES = 64 * 1024


async def receive_small(request: Request) -> bytes | None:
    """The body of a channel's message, which nobody has verified yet; None where it is larger than 64 KiB."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _SMALL_BYTES:
            return None
    return bytes(body)
