"""Payments as it runs in production: two worker processes behind one port, counted together, ended in order."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest
from sqlalchemy.engine import make_url

from deploy.local import places
from deploy.local.children import spawn, tail
from deploy.local.issuer import ISSUER, Issuer
from shared.database import Database
from shared.ids import new_id
from tests.payments_town import POOL, issue_bills
from tests.suite import ROOT, InProcessSuite
from tests.tax_bureau import Bureau, Channel, event
from tests.tax_town import keys_of
from tests.waiting import waiting

BUREAU = Bureau()
SHIFT = {"pool": POOL, "counter_code": "HALL01", "region": "140522108", "opening_float_fen": 50000}


@dataclass
class Service:
    """Payments in its processes."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    headers: dict[str, str]

    async def call(self, method: str, path: str, **parts: object) -> httpx.Response:
        """One request on a connection of its own, so that any worker may answer it."""
        async with httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=30) as client:
            return await client.request(method, path, **parts)  # type: ignore[arg-type]

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        keyed = {"Idempotency-Key": str(new_id()), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.call("POST", path, json=body, headers=keyed)

    def kill(self) -> None:
        """SIGKILL to all its processes at once."""
        children = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        for one in (self.process, *children):
            one.kill()
        self.process.wait()

    @property
    def workers(self) -> set[int]:
        """The processes that answer requests."""
        return {child.pid for child in psutil.Process(self.process.pid).children() if _is_worker(child)}


def _is_worker(child: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.Error:  # it has died
        return False


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[tuple[Issuer, str]]:
    """An issuer and where its keys are published."""
    made = Issuer(tmp_path / "keys")

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(made.jwks()).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((places.HOST, 0), Published)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made, places.address(server.server_port)
    server.shutdown()
    server.server_close()


@pytest.fixture
async def service(databases: dict[str, str], issuer: tuple[Issuer, str], tmp_path: Path) -> AsyncIterator[Service]:
    keys, keys_url = issuer
    port, log, metrics = places.free_port(), tmp_path / "payments.log", tmp_path / "metrics"
    metrics.mkdir()
    process = spawn(
        [sys.executable, "-m", "uvicorn", "services.payments.app:create_app", "--factory", "--workers", "2",
         "--host", places.HOST, "--port", str(port), "--no-access-log", "--timeout-graceful-shutdown", "10"],
        log=log,
        folder=ROOT,
        environment={
            **os.environ,
            "PAYMENTS_DATABASE_URL": databases["payments"],
            "PAYMENTS_ISSUER": ISSUER,
            "PAYMENTS_JWKS_URL": keys_url,
            "PAYMENTS_JOBS": "false",
            "PAYMENTS_TAX_KEYS": keys_of(BUREAU),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        },
    )  # fmt: skip
    token = keys.mint("tests", scopes=frozenset({"payments:read", "payments:write"}), user="clerk-wang")
    running = Service(process, places.address(port), log, {"Authorization": f"Bearer {token}"})
    deadline = time.monotonic() + 30
    while len(running.workers) < 2 or running.log.read_text().count("Application startup complete") < 2:
        assert time.monotonic() < deadline, tail(log)
        assert process.poll() is None, tail(log)
        await asyncio.sleep(0.05)
    yield running
    running.kill()


async def counted(service: Service) -> float:
    text = (await service.call("GET", "/metrics")).text
    return sum(float(n) for n in re.findall(r'http_requests_total\{[^}]*route="/v1/bills"[^}]*\} (\S+)', text))


async def test_metrics_add_up_over_the_workers_whichever_is_asked(service: Service) -> None:
    answers = [
        answer
        for _ in range(4)
        for answer in await asyncio.gather(*[service.call("GET", f"/v1/bills?pool={POOL}") for _ in range(25)])
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert {await counted(service) for _ in range(20)} == {100}
    # One worker dies: what it counted stays, and its place is taken.
    lost = min(service.workers)
    os.kill(lost, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while len(service.workers - {lost}) < 2 or service.log.read_text().count("Application startup complete") < 3:
        assert time.monotonic() < deadline, tail(service.log)
        await asyncio.sleep(0.1)
    for _ in range(20):
        assert (await service.call("GET", f"/v1/bills?pool={POOL}")).status_code == 200
    assert {await counted(service) for _ in range(20)} == {120}


async def test_sigterm_ends_it_after_the_request_in_flight_was_answered(
    service: Service, databases: dict[str, str]
) -> None:
    shift = (await service.post("/v1/shifts", SHIFT)).json()
    database = await asyncpg.connect(
        make_url(databases["payments"]).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    looking = Database(databases["payments"])
    async with database.transaction():
        await database.execute("select * from shift where pool = $1 for update", POOL)
        closing = asyncio.create_task(
            service.post(
                f"/v1/shifts/{shift['shift_id']}/close", {"pool": POOL, "counted_cash_fen": 50000}, If_Match='"1"'
            )
        )
        while not await waiting(looking):
            assert not closing.done(), "it should be waiting for our lock"
            await asyncio.sleep(0.02)
        service.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(1)
        assert not closing.done()
        assert service.process.poll() is None
    answer = await closing
    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    assert await asyncio.to_thread(service.process.wait, 15) == 0, tail(service.log)
    assert await database.fetchval("select status from shift") == "closed"
    await database.close()
    await looking.close()
    with pytest.raises(httpx.ConnectError):
        await service.call("GET", "/healthz")


@pytest.mark.lesson("killed after its 2xx")
async def test_what_was_acknowledged_to_a_channel_is_there_after_a_kill(
    service: Service, databases: dict[str, str], tmp_path: Path
) -> None:
    """All processes die while thirty confirmations are on their way: what had its 2xx is booked, the rest is whole."""
    suite = InProcessSuite(databases, tmp_path / "elsewhere", only=("payments",))
    bills = await issue_bills(suite, [32000] * 30)
    await suite.close()
    acknowledged: set[str] = set()

    async def confirm(at: int, bill_no: str) -> None:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            answer = await Channel(client, BUREAU).confirm(event(bill_no, at))
        assert answer.is_success, answer.text
        acknowledged.add(f"TAX-{at}")
        if len(acknowledged) == 8:
            service.kill()

    results = await asyncio.gather(
        *[confirm(at, bill.bill_no) for at, bill in enumerate(bills)], return_exceptions=True
    )
    assert {type(result) for result in results if result} <= {httpx.ReadError, httpx.RemoteProtocolError}, results
    database = await asyncpg.connect(
        make_url(databases["payments"]).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    booked = await database.fetch(
        # The bureau's events lie in a pool of their own, so a cluster has to carry them to the collections first.
        "with told as materialized (select event_id, collection_id from tax_event) "
        "select event_id, receipt.number from told join collection using (collection_id) "
        "join receipt using (pool, collection_id) join bill on bill.pool = collection.pool "
        "and bill.bill_no = collection.settles and bill.status = 'paid' order by receipt.number"
    )
    told = await database.fetchval("select count(*) from event where type = 'bill.paid'")
    counted = [await database.fetchval(f"select count(*) from {table}") for table in ("submission", "receipt")]
    await database.close()
    assert 8 <= len(acknowledged) <= len(booked)
    assert acknowledged <= {row["event_id"] for row in booked}
    assert [row["number"] for row in booked] == list(range(1, len(booked) + 1))
    assert [told, *counted] == [len(booked)] * 3
