"""Routes of persons."""

from fastapi import APIRouter, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from .parts import AsOf, KnownAt, PersonId, Reading, Service, Writing

router = APIRouter()


@router.post(
    "/v1/persons/resolve",
    response_model=schemas.ResolveAnswer,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED),
    tags=["persons"],
)
async def resolve_persons(
    service: Service, caller: Writing, once: OnceKey, request: Request, wanted: schemas.ResolveRequest
) -> Response:
    """Find the persons of a roster by their documents; who is not known yet is recorded."""
    return respond(request, await usecases.resolve_persons(service, caller, once, wanted))


@router.post(
    "/v1/persons/lookup",
    response_model=schemas.Person,
    responses=declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN),
    tags=["persons"],
)
async def look_up_person(
    service: Service, caller: Reading, request: Request, wanted: schemas.LookupRequest
) -> Response:
    """The person whom a document names."""
    return respond(request, await usecases.look_up_person(service, caller, wanted))


@router.get(
    "/v1/persons/{person_id}",
    response_model=schemas.Person,
    responses=declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN, schemas.KNOWN_AT_IN_FUTURE),
    tags=["persons"],
)
async def read_person(
    service: Service,
    caller: Reading,
    request: Request,
    person_id: PersonId,
    pool: Pool,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """One person: where the hukou lay on a day, as known at an instant."""
    asked = usecases.moment(service, as_of, known_at)
    return respond(request, await usecases.read_person(service, caller, pool, person_id, asked))


@router.post(
    "/v1/persons/{person_id}/documents",
    response_model=schemas.Person,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        schemas.PERSON_UNKNOWN,
        schemas.PERSON_ERASED,
        schemas.DOCUMENT_REFUSED,
        schemas.DOCUMENT_OF_ANOTHER,
    ),
    tags=["persons"],
)
async def record_document(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    person_id: PersonId,
    pool: Pool,
    wanted: schemas.DocumentAdded,
) -> Response:
    """Record one more document of a person, or the days of one; whoever shows it is this person from then on."""
    return respond(request, await usecases.record_document(service, caller, once, pool, person_id, version, wanted))
