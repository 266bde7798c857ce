"""Routes for inspectors."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime

from .. import tokens
from ..events import LAST_SEQ
from ..pages import Limit, Pool, page
from ..problem import declare
from ..tokens import Caller, needs
from . import schemas
from .reading import Inspecting
from .store import Asked

_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}
_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a40"
_SINCE = "2029-12-01T00:00:00+08:00"
_UNTIL = "2030-01-01T00:00:00+08:00"


def _asked(
    person_id: Annotated[UUID | None, Query(description="Lines about this person", examples=[_ID])] = None,
    actor: Annotated[str | None, Query(max_length=200, description="Lines of this person", examples=["wang"])] = None,
    client_id: Annotated[
        str | None, Query(max_length=200, description="Lines of this application", examples=["county-hall"])
    ] = None,
    action: Annotated[
        str | None, Query(max_length=100, description="Lines of this kind", examples=["person.read"])
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="Lines from then on", examples=[_SINCE])] = None,
    until: Annotated[AwareDatetime | None, Query(description="Lines before then", examples=[_UNTIL])] = None,
) -> Asked:
    return Asked(person_id, actor, client_id, action, since, until)


def routes(inspecting: Inspecting) -> APIRouter:
    """`/v1/audit-lines`: for whoever checks the service, in the whole pool or not at all."""
    router = APIRouter(tags=["inspection"])
    Checking = Annotated[Caller, Depends(needs(f"{inspecting.service}:check"))]  # noqa: N806 -- a type
    Wanted = Annotated[Asked, Depends(_asked)]  # noqa: N806 -- a type

    @router.get("/v1/audit-lines", response_model=schemas.AuditLinePage, responses=declare(*tokens.DECLARED))
    async def list_audit_lines(
        caller: Checking,
        pool: Pool,
        asked: Wanted,
        limit: Limit = 100,
        after: Annotated[
            int, Query(ge=0, le=LAST_SEQ, description="`next` of the page before; 0 for the first", examples=[0])
        ] = 0,
    ) -> Any:
        """Who read or changed what: about one person, by one actor or application, in a span of time. Persons are named
        by their ids; whoever has two records is asked for by each. The question itself leaves a line."""
        return page(await inspecting.list_lines(caller, pool, asked, after, limit), limit, lambda line: line["seq"])

    @router.get(
        "/v1/audit-lines.xlsx",
        response_class=Response,
        responses=declare(*tokens.DECLARED, schemas.EXPORT_TOO_LARGE)
        | {200: {"description": "A table with a heading in Chinese", **_BINARY}},
    )
    async def export_audit_lines(caller: Checking, pool: Pool, asked: Wanted) -> Response:
        """The same as a table."""
        data = await inspecting.export_lines(caller, pool, asked)
        headers = {"Content-Disposition": f"attachment; filename=audit-{inspecting.service}-{pool}.xlsx"}
        return Response(data, media_type=_FILE, headers=headers)

    @router.get(
        "/v1/audit-lines/{seq}",
        response_model=schemas.AuditLine,
        responses=declare(*tokens.DECLARED, schemas.AUDIT_LINE_UNKNOWN),
    )
    async def read_audit_line(
        caller: Checking,
        pool: Pool,
        seq: Annotated[int, Path(ge=1, le=LAST_SEQ, description="Number of the line", examples=[1042])],
    ) -> Any:
        """One line with all its persons."""
        return await inspecting.read_line(caller, pool, seq)

    return router
