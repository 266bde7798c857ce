"""What every service's application has: problems, request ids, logs, metrics, health, its feed and its invariants.

`build` is called once, by a service's `app.py`.
"""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.telemetry import TelemetryConfig
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp

from . import failures, logs, own_routes, problem
from .clock import Clock
from .database import Database
from .events import Follower
from .inspecting import api as inspecting
from .inspecting.reading import Inspecting
from .invariants import Invariant
from .jobs import Job, JobRunner
from .observing import Observe
from .references import load_secret
from .retention import api as retention
from .retention.erasing import Retention
from .retention.kinds import IDEMPOTENCY_KEYS, Kind
from .rotation import api as rotation
from .rotation.columns import SealedColumn
from .rotation.walking import Rotation
from .routing import add_routes
from .sealing import Sealer
from .tokens import ClientCredentials, Verifier
from .webhooks import api as webhooks
from .webhooks.parts import Webhooks
from .webhooks.pushing import Pusher
from .webhooks.signing import SigningKey

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_CONVENTIONS = "Errors are RFC 9457 problems; amounts are integer fen; business days are in Asia/Shanghai."
_NOTHING_SENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class ServiceSettings(BaseSettings):
    """Settings that every service has; each adds its own and sets the prefix."""

    database_url: str = "postgresql+asyncpg://localhost/canbao"
    pool_size: int = 10
    replica_url: str = ""
    """A replica of the database by streaming replication, for reports and feeds; empty: there is none."""
    replica_seconds: Annotated[float, Field(gt=0, le=300)] = 5
    """Seconds that the replica may be behind; beyond them the database itself is read."""
    issuer: str = "http://127.0.0.1:8005"
    jwks_url: str = "http://127.0.0.1:8005/.well-known/jwks.json"
    token_url: str = "http://127.0.0.1:8005/token"  # noqa: S105 -- an address
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    sealing_keys: SecretStr = SecretStr("")
    """The keys that seal personal data and the secrets of webhooks (shape: shared/sealing.py)."""
    retention_days: dict[str, int] = Field(default_factory=dict)
    """Days after which records of a kind are erased, by its name (GET /v1/retention lists them); absent: never."""
    retention_held_pools: frozenset[str] = frozenset()
    """Pools in which nothing is erased, as long as somebody goes to law or inspects."""
    resealed_within_days: Annotated[int, Field(ge=1)] = 7
    """Days after a change of keys in which nothing may lie under the key of before; after them it is an alarm."""
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


def database_of(settings: ServiceSettings) -> Database:
    """The service's database, and its replica where the settings name one."""
    return Database(
        settings.database_url,
        pool_size=settings.pool_size,
        replica_url=settings.replica_url,
        replica_seconds=settings.replica_seconds,
    )


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
    sealed: Sequence[SealedColumn],
    retained: Sequence[Kind] = (),
    close: Sequence[Callable[[], Awaitable[None]]] = (),
) -> FastAPI:
    """Join a service's parts into its application. `revision` is the migration that the code expects, `sealed` what
    lies under its sealing keys, `retained` what may be erased after some days. Raises ValueError where a setting does
    not fit."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        logs.configure(name)
        _spare_the_collector()
        await keys.require_known_lookup_keys()
        runner = JobRunner(jobs if settings.jobs else [])
        runner.start()
        yield
        await runner.stop()
        for shut in (pusher.close, *close, database.close):
            await shut()

    pushed = _webhooks(name, settings, database, clock)
    pusher = Pusher(pushed)
    keys = Rotation(name, database, clock, pushed.keys, sealed, timedelta(days=settings.resealed_within_days))
    kept = Retention(
        name, database, clock, [IDEMPOTENCY_KEYS, *retained], settings.retention_days, settings.retention_held_pools
    )
    own_jobs = (*webhooks.jobs(pushed, pusher, settings.follow_seconds), *rotation.jobs(keys), *retention.jobs(kept))
    jobs = [*jobs, *own_jobs]
    app = _Application(
        title=title, version="1", description=_CONVENTIONS, lifespan=lifespan, redoc_url=None, telemetry=_NOTHING_SENT
    )
    app.state.service = service
    app.state.verifier = verifier
    app.state.jobs = jobs
    app.state.database = database
    problem.install(app)
    failures.answer_database_failures(app)
    failures.answer_upstream_refusals(app)
    parts = (
        router,
        own_routes.feed(name, database),
        own_routes.own_state(name, database, [*invariants, *rotation.invariants(keys)], followers),
        own_routes.alarms(name, database, [*alarms, *webhooks.ALARMS, *rotation.alarms(keys)], clock),
        webhooks.routes(pushed),
        rotation.routes(keys),
        inspecting.routes(Inspecting(name, database, clock)),
        retention.routes(kept),
        own_routes.health(database, revision),
    )
    add_routes(app, parts)
    return app


def _spare_the_collector() -> None:
    """What a process has made by the time it serves, it keeps: the collector of cycles need not look through it again,
    nor start for every 700 objects where a list of a thousand people makes a hundred thousand. That was a sixth of the
    processor time of both services while rosters are taken."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 50)


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
    """FastAPI with our one layer around it, and a document that says what the service really answers."""

    def build_middleware_stack(self) -> ASGIApp:
        """What a request passes on its way to the routes. Of FastAPI's own layers those that do something here: its
        telemetry and its limit of bodies are off, and what nobody expected is answered by `Observe`."""
        return Observe(ExceptionMiddleware(AsyncExitStackMiddleware(self.router), self.exception_handlers))

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
