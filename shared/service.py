"""What every service's application has: problems, request ids, logs, metrics, health, its feed and its invariants.

`build` is called once, by a service's `app.py`.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import httpx
import structlog
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import logs, metrics, problem
from .clock import Clock
from .database import Database
from .events import LAST_SEQ, EventPage, Follower, FollowerStates, Heads, read_events, read_heads
from .evidence import LIMIT_BYTES
from .http import UPSTREAM_REFUSED, UpstreamRefusal
from .ids import new_id
from .invariants import Invariant, check
from .jobs import Job, JobRunner
from .pages import Limit, Pool
from .pages import page as make_page
from .references import load_secret
from .sealing import Sealer
from .tokens import DECLARED, Caller, ClientCredentials, Verifier, needs
from .webhooks import api as webhooks
from .webhooks.parts import Webhooks
from .webhooks.pushing import Pusher
from .webhooks.signing import SigningKey

JSON_LIMIT_BYTES = 16 * 1024 * 1024
"""The largest body of a request that is no file; a batch of 10,000 persons is a tenth of it."""

_log = structlog.get_logger()


class ServiceSettings(BaseSettings):
    """Settings that every service has; each adds its own and sets the prefix."""

    database_url: str = "postgresql+asyncpg://localhost/canbao"
    pool_size: int = 10
    issuer: str = "http://127.0.0.1:8005"
    jwks_url: str = "http://127.0.0.1:8005/.well-known/jwks.json"
    token_url: str = "http://127.0.0.1:8005/token"  # noqa: S105 -- an address
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    sealing_keys: SecretStr = SecretStr("")
    """The keys that seal personal data and the secrets of webhooks (shape: shared/sealing.py)."""
    follow_seconds: float = 1.0
    jobs: bool = True
    webhook_private_addresses: bool = False
    """Whether webhooks may lead into private networks, and to this machine over http: for local runs alone."""
    webhook_timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 15
    webhook_kept_days: Annotated[int, Field(ge=4)] = 30
    """Days after which a delivery that has ended is removed."""
    webhook_overlap_hours: Annotated[int, Field(ge=0, le=720)] = 24
    """Hours for which the secret before signs as well, once it was changed."""
    webhook_signing_key: str = ""
    """Where an Ed25519 private key lies (`file:…`, `env:…`), as PEM: messages are then signed with `v1a` besides."""


class InvariantFinding(BaseModel):
    """What an invariant found."""

    name: str = Field(description="Name of the invariant", examples=["postings_sum_to_zero"])
    meaning: str = Field(description="What must hold", examples=["The postings of a transfer sum to zero"])
    found: int = Field(description="Rows that break it; 0 where all is well", examples=[0])
    sample: list[str] = Field(description="The first few, as pool/subject", examples=[[]])


class InvariantReport(BaseModel):
    """All invariants of the service."""

    items: list[InvariantFinding] = Field(description="One entry per invariant", examples=[[]])


class Health(BaseModel):
    """Alive or ready."""

    status: str = Field(description="`ok`", examples=["ok"])


def client_credentials(
    settings: ServiceSettings, transports: Mapping[str, httpx.AsyncBaseTransport]
) -> ClientCredentials:
    """The service's own identity for its outgoing calls."""
    return ClientCredentials(
        settings.token_url,
        settings.client_id,
        settings.client_secret.get_secret_value(),
        transports.get("issuer"),
    )


def verifier(settings: ServiceSettings, transports: Mapping[str, httpx.AsyncBaseTransport]) -> Verifier:
    """Verifies callers against the issuer of the settings."""

    async def fetch() -> dict[str, Any]:
        async with httpx.AsyncClient(transport=transports.get("issuer"), timeout=10) as client:
            answer = await client.get(settings.jwks_url)
            answer.raise_for_status()
            return dict(answer.json())

    return Verifier(settings.issuer, fetch)


def build(
    name: str,
    *,
    title: str,
    settings: ServiceSettings,
    database: Database,
    verifier: Verifier,
    service: object,
    router: APIRouter,
    invariants: Sequence[Invariant],
    alarms: Sequence[Invariant],
    clock: Clock,
    jobs: Sequence[Job],
    followers: Sequence[Follower],
    revision: str,
    close: Sequence[Callable[[], Awaitable[None]]] = (),
) -> FastAPI:
    """Join a service's parts into its application. `revision` is the migration that the code expects."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        logs.configure(name)
        runner = JobRunner(jobs if settings.jobs else [])
        runner.start()
        yield
        await runner.stop()
        for shut in (pusher.close, *close, database.close):
            await shut()

    pushed = _webhooks(name, settings, database, clock)
    pusher = Pusher(pushed)
    jobs = [*jobs, *webhooks.jobs(pushed, pusher, settings.follow_seconds)]
    app = _Application(
        title=title,
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        description="Errors are RFC 9457 problems; amounts are integer fen; business days are in Asia/Shanghai.",
    )
    app.state.service = service
    app.state.verifier = verifier
    app.state.jobs = list(jobs)
    app.state.database = database
    problem.install(app)
    _answer_database_failures(app)
    _answer_upstream_refusals(app)
    for part in (
        router,
        _feed_routes(name, database),
        _own_state_routes(name, database, invariants, followers),
        _alarm_routes(name, database, [*alarms, *webhooks.ALARMS], clock),
        webhooks.routes(pushed),
        _health_routes(database, revision),
    ):
        _add_routes(app, part)
    app.add_middleware(_Observe)
    return app


def _webhooks(name: str, settings: ServiceSettings, database: Database, clock: Clock) -> Webhooks:
    keys = settings.sealing_keys.get_secret_value()
    reference = settings.webhook_signing_key
    return Webhooks(
        name,
        database,
        clock,
        Sealer.from_setting(keys) if keys else None,
        SigningKey.from_pem(load_secret(reference)) if reference else None,
        private=settings.webhook_private_addresses,
        timeout_seconds=settings.webhook_timeout_seconds,
        kept=timedelta(days=settings.webhook_kept_days),
        overlap=timedelta(hours=settings.webhook_overlap_hours),
    )


class _Application(FastAPI):
    """FastAPI, with a document that says what the service really answers."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if not self.openapi_schema:
            document = problem.complete_document(super().openapi())
            for parameter in _parameters(document):
                # Without them the answer is a problem of its own (400, 428), so FastAPI does not demand them.
                if parameter["name"] in ("Idempotency-Key", "If-Match"):
                    text_schema, _null = parameter["schema"].pop("anyOf")
                    parameter |= {"required": True, "schema": text_schema | parameter["schema"]}
            self.openapi_schema = document
        return self.openapi_schema


def _parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        for operation in path.values():
            yield from operation.get("parameters", [])


class _Observe:
    """One request: its id, its log line, its metrics, and an answer for what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _safe_request_id(dict(scope["headers"]).get(b"x-request-id", b"")) or str(new_id())
        logs.begin_request(request_id)
        began, status, started = time.perf_counter(), 500, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, _limited(scope, receive), send_with_id)
        except Exception:
            _log.exception("request_failed", path=scope["path"])
            if started:
                raise
            request = Request(scope, receive)
            answer = problem.problem_response(request, problem.INTERNAL(request_id=request_id))
            await answer(scope, receive, send_with_id)
        finally:
            if upload := scope.get("state", {}).get("upload_file"):
                upload.close()
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = route.path if isinstance(route, APIRoute) else "other"
        metrics.REQUESTS.labels(scope["method"], path, str(status)).inc()
        metrics.SECONDS.labels(scope["method"], path).observe(seconds)
        if path not in ("/healthz", "/readyz", "/metrics"):
            _log.info(
                "request",
                method=scope["method"],
                route=path,
                status=status,
                ms=round(seconds * 1000, 1),
                client_id=scope.get("state", {}).get("client_id", ""),
            )


def _limited(scope: Scope, receive: Receive) -> Receive:
    """The body of a request, cut off with a 413 where it grows beyond what its kind may have.

    FastAPI reads a JSON body whole before it looks at the token; files are read by `evidence.receive_upload`, which
    has a limit of its own.
    """
    is_file = dict(scope["headers"]).get(b"content-type", b"").startswith(b"application/octet-stream")
    limit_bytes = LIMIT_BYTES + 1 if is_file else JSON_LIMIT_BYTES
    received_bytes = 0

    async def receive_within() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > limit_bytes:
            raise problem.BodyTooLarge(limit_bytes)
        return message

    return receive_within


def _safe_request_id(given: bytes) -> str:
    text_id = given.decode("latin-1")
    return text_id if 0 < len(text_id) <= 100 and text_id.isascii() and text_id.isprintable() else ""


def _add_routes(app: FastAPI, part: APIRouter) -> None:
    """Not `include_router`, which would look for the route of every request anew, layer by layer."""
    for route in part.routes:
        if isinstance(route, APIRoute):
            route.operation_id = route.unique_id = route.name
        app.router.routes.append(route)


def _answer_database_failures(app: FastAPI) -> None:
    @app.exception_handler(DBAPIError)
    async def _busy(request: Request, error: DBAPIError) -> Response:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        # Connection lost, lock or deadlock, shutting down: nothing was committed, the same request may come again.
        if error.connection_invalidated or not state or state[:2] in ("08", "40", "53", "55", "57"):
            _log.warning("database_busy", sqlstate=state, error=str(error.orig))
            return problem.problem_response(request, problem.BUSY())
        # A text with U+0000, a number or an instant beyond what the database can hold: the request has to change.
        if state in ("22021", "22P05") or (state == "22000" and "out of range" in str(error.orig)):
            return problem.problem_response(request, problem.not_storable(problem.language_of(request)))
        raise error

    async def _away(request: Request, error: Exception) -> Response:
        _log.warning("database_away", error=str(error))
        return problem.problem_response(request, problem.BUSY())

    app.add_exception_handler(OSError, _away)
    app.add_exception_handler(PoolExhausted, _away)


def _answer_upstream_refusals(app: FastAPI) -> None:
    @app.exception_handler(UpstreamRefusal)
    async def _refused(request: Request, error: UpstreamRefusal) -> Response:
        _log.warning("upstream_refused", upstream=error.name, status=error.status, code=error.code)
        return problem.problem_response(request, UPSTREAM_REFUSED(name=error.name, code=error.code or error.status))


def _feed_routes(name: str, database: Database) -> APIRouter:
    router = APIRouter(tags=["events"])
    Reading = Annotated[Caller, Depends(needs(f"{name}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/events", response_model=EventPage, responses=problem.declare(*DECLARED))
    async def list_events(
        caller: Reading,
        pool: Pool,
        after: Annotated[
            int, Query(ge=0, le=LAST_SEQ, description="Cursor: the last `seq` seen, 0 for the beginning", examples=[0])
        ] = 0,
        limit: Limit = 500,
    ) -> Any:
        """The pool's events after a cursor, gap-free and in commit order."""
        caller.require_pool(pool)
        async with database.reading() as tx:
            return make_page(await read_events(tx, pool, after, limit), limit, lambda row: row["seq"])

    @router.get("/v1/events/heads", response_model=Heads, responses=problem.declare(*DECLARED))
    async def list_event_heads(caller: Reading) -> Any:
        """Where the feed of each pool ends; only pools inside the caller's area."""
        async with database.reading() as tx:
            return {"items": [head for head in await read_heads(tx) if head["pool"].startswith(caller.area)]}

    return router


def _own_state_routes(
    name: str, database: Database, invariants: Sequence[Invariant], followers: Sequence[Follower]
) -> APIRouter:
    router = APIRouter(tags=["operation"])
    Reading = Annotated[Caller, Depends(needs(f"{name}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/followers", response_model=FollowerStates, responses=problem.declare(*DECLARED))
    async def list_followers(caller: Reading) -> Any:
        """How far this service has followed the feeds of others; lag 0 means it has seen all."""
        states = [state for follower in followers for state in await follower.states()]
        return {"items": [state for state in states if state["pool"].startswith(caller.area)]}

    @router.get("/v1/invariants", response_model=InvariantReport, responses=problem.declare(*DECLARED))
    async def check_invariants(caller: Reading) -> Any:
        """Run the queries that must find nothing. Needs a token for all areas."""
        caller.require_region("")
        async with database.reading() as tx:
            return {"items": [finding.__dict__ for finding in await check(tx, invariants)]}

    return router


def _alarm_routes(name: str, database: Database, alarms: Sequence[Invariant], clock: Clock) -> APIRouter:
    router = APIRouter(tags=["operation"])
    Reading = Annotated[Caller, Depends(needs(f"{name}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/alarms", response_model=InvariantReport, responses=problem.declare(*DECLARED))
    async def check_alarms(caller: Reading) -> Any:
        """What waits for somebody longer than it may, by the business clock. Needs a token for all areas."""
        caller.require_region("")
        async with database.reading() as tx:
            return {"items": [finding.__dict__ for finding in await check(tx, alarms, now=clock.now())]}

    return router


def _health_routes(database: Database, revision: str) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=Health)
    async def check_health() -> Any:
        """Alive: the process answers."""
        return {"status": "ok"}

    @router.get("/readyz", response_model=Health, responses=problem.declare(problem.BUSY))
    async def check_readiness() -> Any:
        """Ready: the database answers and stands at the migration this code expects."""
        try:
            async with database.engine.connect() as connection:
                found = (await connection.execute(text("select version_num from alembic_version"))).scalar_one_or_none()
        except (SQLAlchemyError, OSError) as error:
            raise problem.BUSY() from error
        if found != revision:
            raise problem.BUSY()
        return {"status": "ok"}

    @router.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        """Prometheus metrics."""
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    return router
