"""What the routes have in common: the service behind them, its callers, and parameters that several take."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from shared.evidence import Upload, receive_upload
from shared.tokens import Caller, needs

from .. import usecases

FILE = "application/octet-stream"
BINARY: dict[str, Any] = {"content": {FILE: {"schema": {"type": "string", "format": "binary"}}}}
FILE_BODY: dict[str, Any] = {"requestBody": {"required": True, **BINARY}}

SCHEME = r"^[0-9a-z-]{1,100}$"
_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"


def _service(request: Request) -> usecases.Registration:
    service: usecases.Registration = request.app.state.service
    return service


Service = Annotated[usecases.Registration, Depends(_service)]
Reading = Annotated[Caller, Depends(needs("registration:read"))]
Writing = Annotated[Caller, Depends(needs("registration:write"))]
Uploaded = Annotated[Upload, Depends(receive_upload)]
Approving = Annotated[Caller, Depends(needs("registration:approve"))]

SchemeCode = Annotated[str, Query(pattern=SCHEME, description="Scheme", examples=["example-2031"])]
OptionalScheme = Annotated[str | None, Query(pattern=SCHEME, description="Only this scheme", examples=["example-2031"])]
PersonId = Annotated[UUID | None, Query(description="Only this person", examples=[_ID])]
SchemeInPath = Annotated[str, Path(pattern=SCHEME, description="Scheme", examples=["example-2031"])]
VersionInPath = Annotated[
    str,
    Path(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Version of the package",
        examples=["sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"],
    ),
]
RosterId = Annotated[UUID, Path(description="Roster", examples=[_ID])]
EnrolmentId = Annotated[UUID, Path(description="Enrolment", examples=[_ID])]
AssessmentId = Annotated[UUID, Path(description="Assessment", examples=[_ID])]
AfterId = Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])]
