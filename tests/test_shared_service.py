"""What every service's application has, seen on payments: who may call, what a refusal looks like, what fails how."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import stamina
import structlog
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy.engine import make_url

from services.payments import usecases
from shared import logs
from shared.ids import new_id
from shared.problem import Problem
from tests.payments_town import POOL, Counter, issue_bills
from tests.suite import InProcessSuite, close_app

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
EVENTS_READ = "payments:read payments:write"


class Registration:
    """Stands where registration stands: remembers what it was asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answer: tuple[int, dict[str, Any]] = (200, {"roster_paid": {"heads": 0, "amount_fen": 0, "digest": "0"}})
        self.app = FastAPI()

        @self.app.get("/v1/progress")
        async def read_progress(request: Request) -> Any:
            self.asked.append(request)
            status, body = self.answer
            return httpx_like(status, body)


def httpx_like(status: int, body: dict[str, Any]) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse(body, status)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Errors are logged as in production (the console's renderer takes seconds for each)."""
    logs.configure("payments")
    with stamina_at_once():
        yield
    structlog.reset_defaults()


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments without a database."""
    suite = InProcessSuite({"payments": NOWHERE}, tmp_path / "keys", only=("payments",))
    yield suite
    await suite.close()


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    await suite.close()
