"""Routes of packages and schemes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shared import idempotency, tokens
from shared.evidence import EMPTY_UPLOAD
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit
from shared.problem import TOO_LARGE, declare

from .. import usecases
from ..schemas import problems
from ..schemas.schemes import PackageOut, SchemeOut, SchemePage
from .parts import FILE_BODY, SCHEME, Approving, Reading, Service, Uploaded, Writing

router = APIRouter(tags=["schemes"])

SchemeInPath = Annotated[str, Path(pattern=SCHEME, description="Scheme", examples=["example-2031"])]
VersionInPath = Annotated[
    str,
    Path(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Version of the package",
        examples=["sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"],
    ),
]


@router.post(
    "/v1/packages",
    response_model=PackageOut,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.PACKAGE_FAULTY,
        problems.SCHEME_CONFLICT,
        EMPTY_UPLOAD,
        TOO_LARGE,
    ),
    openapi_extra=FILE_BODY,
)
async def draft_package(
    service: Service, caller: Writing, upload: Uploaded, once: OnceKey, request: Request
) -> Response:
    """Hand in a scheme's package (YAML) as a draft. The same content again is the same version."""
    upload.file.seek(0)
    return respond(request, await usecases.draft_package(service, caller, once, upload.file.read()))


@router.post(
    "/v1/packages/{scheme}/{version}/publish",
    response_model=PackageOut,
    responses=declare(*tokens.DECLARED, problems.PACKAGE_UNKNOWN, problems.FOUR_EYES),
)
async def publish_package(service: Service, caller: Approving, scheme: SchemeInPath, version: VersionInPath) -> Any:
    """Publish a draft that somebody else handed in; it never changes after that."""
    return await usecases.publish_package(service, caller, scheme, version)


@router.get("/v1/schemes", response_model=SchemePage, responses=declare(*tokens.DECLARED))
async def list_schemes(service: Service, _caller: Reading, limit: Limit = 100, after: After = "") -> Any:
    """Every published scheme, by code."""
    return await usecases.list_schemes(service, after, limit)


@router.get(
    "/v1/schemes/{scheme}",
    response_model=SchemeOut,
    responses=declare(*tokens.DECLARED, problems.SCHEME_UNKNOWN),
)
async def read_scheme(service: Service, _caller: Reading, scheme: SchemeInPath) -> Any:
    """The version of a scheme in force."""
    return await usecases.read_scheme(service, scheme)
