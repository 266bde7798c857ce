"""What the routes have in common: the service behind them, its callers, and parameters that several take."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from shared.evidence import Upload, receive_upload
from shared.routing import of_request
from shared.tokens import Caller, needs

from .. import usecases
from ..schemas.fields import EXAMPLE_ID, EXAMPLE_VERSION

FILE = "application/octet-stream"
BINARY: dict[str, Any] = {"content": {FILE: {"schema": {"type": "string", "format": "binary"}}}}
FILE_BODY: dict[str, Any] = {"requestBody": {"required": True, **BINARY}}

SCHEME = r"^[0-9a-z-]{1,100}$"


@of_request
async def _service(request: Request) -> usecases.Registration:
    service: usecases.Registration = request.app.state.service
    return service


Service = Annotated[usecases.Registration, Depends(_service)]
Reading = Annotated[Caller, Depends(needs("registration:read"))]
Writing = Annotated[Caller, Depends(needs("registration:write"))]
Uploaded = Annotated[Upload, Depends(receive_upload)]
Approving = Annotated[Caller, Depends(needs("registration:approve"))]

SchemeCode = Annotated[str, Query(pattern=SCHEME, description="Scheme", examples=["example-2031"])]
OptionalScheme = Annotated[str | None, Query(pattern=SCHEME, description="Only this scheme", examples=["example-2031"])]
PersonId = Annotated[UUID | None, Query(description="Only this person", examples=[EXAMPLE_ID])]
SchemeInPath = Annotated[str, Path(pattern=SCHEME, description="Scheme", examples=["example-2031"])]
VersionInPath = Annotated[
    str,
    Path(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Version of the package",
        examples=[EXAMPLE_VERSION],
    ),
]
RosterId = Annotated[UUID, Path(description="Roster", examples=[EXAMPLE_ID])]
EnrolmentId = Annotated[UUID, Path(description="Enrolment", examples=[EXAMPLE_ID])]
AssessmentId = Annotated[UUID, Path(description="Assessment", examples=[EXAMPLE_ID])]
AfterId = Annotated[UUID | None, Query(description="`next` of the page before", examples=[EXAMPLE_ID])]
