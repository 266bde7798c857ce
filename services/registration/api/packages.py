"""Routes of packages and schemes."""

from typing import Any

from fastapi import APIRouter, Request, Response

from shared import idempotency, tokens
from shared.evidence import EMPTY_UPLOAD
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit
from shared.problem import TOO_LARGE, declare

from .. import usecases
from ..schemas import problems
from ..schemas.schemes import (
    PackageOut,
    PackagePage,
    PackageStanding,
    PackageValidation,
    PackageWithdrawal,
    SchemeOut,
    SchemePage,
)
from .parts import (
    BINARY,
    FILE,
    FILE_BODY,
    Approving,
    Reading,
    SchemeInPath,
    Service,
    Uploaded,
    VersionInPath,
    Writing,
)

router = APIRouter(tags=["schemes"])


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


@router.get(
    "/v1/packages/{scheme}/{version}",
    response_model=PackageStanding,
    responses=declare(*tokens.DECLARED, problems.PACKAGE_UNKNOWN),
)
async def read_package_version(service: Service, caller: Reading, scheme: SchemeInPath, version: VersionInPath) -> Any:
    """One version of a scheme: who did what with it and when; of a correction, how far it has come."""
    return await usecases.read_package_version(service, caller, scheme, version)


@router.get(
    "/v1/packages/{scheme}/{version}/source",
    response_class=Response,
    responses=declare(*tokens.DECLARED, problems.PACKAGE_UNKNOWN)
    | {200: {"description": "The file as it was handed in", **BINARY}},
)
async def return_package_source(
    service: Service, caller: Reading, scheme: SchemeInPath, version: VersionInPath
) -> Response:
    """The file as it was handed in, byte by byte."""
    data = await usecases.read_package_source(service, caller, scheme, version)
    disposition = f'attachment; filename="{scheme}.yaml"'
    return Response(data, media_type=FILE, headers={"Content-Disposition": disposition})


@router.post(
    "/v1/packages/{scheme}/{version}/validate",
    response_model=PackageOut,
    responses=declare(
        *tokens.DECLARED,
        problems.PACKAGE_UNKNOWN,
        problems.PACKAGE_STATE,
        problems.PACKAGE_FAULTY,
        problems.WARNINGS_UNANSWERED,
        problems.CORRECTION_UNEXPLAINED,
        problems.NOTHING_TO_CORRECT,
    ),
)
async def validate_package(
    service: Service, caller: Writing, scheme: SchemeInPath, version: VersionInPath, told: PackageValidation
) -> Any:
    """Give one's word that a draft is whole: every warning answered, a correction explained."""
    return await usecases.validate_package(service, caller, scheme, version, told)


@router.post(
    "/v1/packages/{scheme}/{version}/publish",
    response_model=PackageOut,
    responses=declare(
        *tokens.DECLARED,
        problems.PACKAGE_UNKNOWN,
        problems.PACKAGE_STATE,
        problems.PACKAGE_NOT_VALIDATED,
        problems.FOUR_EYES,
        problems.PACKAGE_OVERTAKEN,
        problems.CORRECTION_NOT_YET,
    ),
)
async def publish_package(service: Service, caller: Approving, scheme: SchemeInPath, version: VersionInPath) -> Any:
    """Publish a version that somebody else drafted and validated; it never changes after that.

    It takes the place of the version in force, and everybody who is enrolled is assessed anew by it.
    """
    return await usecases.publish_package(service, caller, scheme, version)


@router.post(
    "/v1/packages/{scheme}/{version}/withdraw",
    response_model=PackageOut,
    responses=declare(*tokens.DECLARED, problems.PACKAGE_UNKNOWN, problems.PACKAGE_STATE),
)
async def withdraw_package(
    service: Service, caller: Writing, scheme: SchemeInPath, version: VersionInPath, told: PackageWithdrawal
) -> Any:
    """Give up a version that was never published."""
    return await usecases.withdraw_package(service, caller, scheme, version, told)


@router.get(
    "/v1/schemes/{scheme}/versions",
    response_model=PackagePage,
    responses=declare(*tokens.DECLARED, problems.SCHEME_UNKNOWN),
)
async def list_package_versions(
    service: Service, caller: Reading, scheme: SchemeInPath, limit: Limit = 100, after: After = ""
) -> Any:
    """Every version of a scheme with its state, as drafted one after the other."""
    return await usecases.list_package_versions(service, caller, scheme, after, limit)


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
