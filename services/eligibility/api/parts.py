"""What the routes have in common: who calls, the service, and the parameters of several questions."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import AwareDatetime

from shared.routing import of_request
from shared.tokens import Caller, needs

from .. import usecases
from ..schemas.fields import ID

Reading = Annotated[Caller, Depends(needs("eligibility:read"))]
Writing = Annotated[Caller, Depends(needs("eligibility:write"))]
Approving = Annotated[Caller, Depends(needs("eligibility:approve"))]

AsOf = Annotated[
    date | None, Query(description="Day in question; absent: today in Asia/Shanghai", examples=["2021-12-05"])
]
KnownAt = Annotated[
    AwareDatetime | None,
    Query(description="What was known at this business instant; absent: now", examples=["2021-12-05T10:00:00+08:00"]),
]

PersonId = Annotated[UUID, Path(description="The person", examples=[ID])]

FILE = "application/octet-stream"
BINARY = {"content": {FILE: {"schema": {"type": "string", "format": "binary"}}}}


@of_request
async def _service(request: Request) -> usecases.Eligibility:
    service: usecases.Eligibility = request.app.state.service
    return service


Service = Annotated[usecases.Eligibility, Depends(_service)]
