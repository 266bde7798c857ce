"""The whole suite in one process: four applications and the issuer behind ASGI transports, one settable clock.

No part is replaced: tokens are signed and verified, calls between services are HTTP, databases are real.
"""

import base64
import json
import os
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
from alembic import command
from alembic.config import Config
from fastapi import FastAPI

from deploy.local import issuer as token_issuer
from shared.clock import SHANGHAI, SetClock
from shared.jobs import drain

ROOT = Path(__file__).parent.parent
ORDER = ("eligibility", "registration", "payments", "refunds")
SEALING_KEYS = json.dumps(
    {
        "current": "test",
        "keys": {"test": base64.b64encode(b"k" * 32).decode()},
        "lookup": base64.b64encode(b"l" * 32).decode(),
    }
)


def migrate_all(addresses: Mapping[str, str]) -> None:
    """Run every service's migrations on its database."""
    for service, address in addresses.items():
        os.environ[f"{service.upper()}_DATABASE_URL"] = address
        command.upgrade(Config(ROOT / "alembic.ini", ini_section=service), "head")


class InProcessSuite:
    """The four services of a test; `only` leaves the others out."""

    def __init__(self, databases: Mapping[str, str], keys: Path, *, only: tuple[str, ...] = ORDER) -> None:
        self.clock = SetClock(datetime(2021, 8, 2, 9, tzinfo=SHANGHAI))
        self.issuer = token_issuer.Issuer(keys)
        self.databases = databases
        self._transports: dict[str, httpx.AsyncBaseTransport] = {
            "issuer": httpx.ASGITransport(token_issuer.create_app(keys))
        }
        self.apps: dict[str, FastAPI] = {}
        self._clients: list[httpx.AsyncClient] = []
        for service in ORDER:
            # Registration follows payments, which is made after it: each gets a transport that finds the other later.
            self._transports[service] = _Late(self.apps, service)
        for service in only:
            self.apps[service] = self.make_app(service)

    def make_app(self, service: str, **given: Any) -> FastAPI:
        """One more application of a service on the same database: a second worker, or one restarted with the settings
        that are given."""
        module = import_module(f"services.{service}.app")
        usual = {
            "database_url": self.databases[service],
            "issuer": token_issuer.ISSUER,
            "client_id": service,
            "client_secret": self.issuer.secret(service),
            "sealing_keys": SEALING_KEYS,
            "jobs": False,
            "pool_size": 30,
        }
        settings = import_module(f"services.{service}.settings").Settings(**usual | given)
        app: FastAPI = module.create_app(settings, clock=self.clock, transports=self._transports)
        return app

    def token(self, scopes: str, *, user: str = "", area: str = "", client: str = "tests") -> str:
        """A token of the local issuer."""
        return self.issuer.mint(client, scopes=frozenset(scopes.split()), area=area, user=user)

    def client(
        self, service: str, scopes: str = "", *, user: str = "tester", area: str = "", app: FastAPI | None = None
    ) -> httpx.AsyncClient:
        """A partner's HTTP client of a service, with a token where scopes are given."""
        headers = {"Authorization": f"Bearer {self.token(scopes, user=user, area=area)}"} if scopes else {}
        transport = httpx.ASGITransport(app or self.apps[service], raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=f"http://{service}", headers=headers)
        self._clients.append(client)
        return client

    def set_clock(self, text: str) -> None:
        """Move business time, given as `2021-09-01 08:00` in Asia/Shanghai or with an offset."""
        instant = datetime.fromisoformat(text)
        self.clock.set(instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI))

    async def settle_down(self) -> None:
        """Run all jobs of all services until none finds work."""
        worked = True
        while worked:
            worked = any([await drain(app.state.jobs) for app in self.apps.values()])

    async def invariants_broken(self) -> dict[str, list[dict[str, Any]]]:
        """What the invariants of every service find."""
        found = {}
        for service in self.apps:
            answer = await self.client(service, f"{service}:read").get("/v1/invariants")
            answer.raise_for_status()
            broken = [item for item in answer.json()["items"] if item["found"]]
            if broken:
                found[service] = broken
        return found

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()
        for app in self.apps.values():
            await close_app(app)


async def close_app(app: FastAPI) -> None:
    """What the end of a process does: close clients and database."""
    async with app.router.lifespan_context(app):
        pass


class _Late(httpx.AsyncBaseTransport):
    """A transport to an application that may be made later, or replaced."""

    def __init__(self, apps: Mapping[str, FastAPI], service: str) -> None:
        self._apps = apps
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await httpx.ASGITransport(self._apps[self._service]).handle_async_request(request)
