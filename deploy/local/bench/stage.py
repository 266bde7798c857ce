"""What a benchmark runs on: a Postgres that is durable, and services as processes, all of it for the bench alone."""

import json
import os
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import httpx
import psutil

from deploy.local import migrate, places
from deploy.local.children import spawn, stop, tail
from deploy.local.issuer import ALLOWED, ISSUER, Issuer
from deploy.local.postgres import EmbeddedPostgres

POOL = "999001"
FOLDER = places.OUT / "bench"
_START_SECONDS = 60


@contextmanager
def database() -> Iterator[EmbeddedPostgres]:
    """A Postgres whose commits are on disk before they are answered; removed afterwards."""
    postgres = EmbeddedPostgres(FOLDER / "postgres")
    postgres.drop()
    try:
        with postgres:
            yield postgres
    finally:
        postgres.drop()


def migrated(postgres: EmbeddedPostgres, service: str, name: str) -> str:
    """The URL of a new database with a service's tables."""
    postgres.create_database(name)
    migrate.migrate({service: postgres.url(name)})
    return postgres.url(name)


class Served:
    """A service that runs as its own processes: where it listens, and what it has used."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process

    def cpu_seconds(self) -> float:
        """Processor time of all its processes so far."""
        return cpu_seconds(self._process.pid)

    def peak_mib(self) -> float:
        """The largest resident memory of one of its workers, in MiB."""
        return max(_peak_kib(each.pid) for each in self._processes()) / 1024

    def _processes(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]


@contextmanager
def served(
    service: str, url: str, *, workers: int = 1, settings: Mapping[str, str] | None = None, app: str = ""
) -> Iterator[Served]:
    """Run a service on a database, without its jobs, with its tokens checked against the issuer's key.

    `app` names an application that is no service's (`module:factory`).
    """
    app = app or f"services.{service}.app:create_app"
    with _published_keys() as keys_url, _process(service, app, url, keys_url, workers, settings or {}) as process:
        yield process


@contextmanager
def _process(
    service: str, app: str, url: str, keys_url: str, workers: int, settings: Mapping[str, str]
) -> Iterator[Served]:
    port = places.free_port()
    prefix = service.upper()
    own = {
        "DATABASE_URL": url,
        "ISSUER": ISSUER,
        "JWKS_URL": keys_url,
        "TOKEN_URL": keys_url,
        "CLIENT_ID": service,
        "CLIENT_SECRET": Issuer().secret(service) if service in ALLOWED else "",
        "JOBS": "false",
        "SEALING_KEYS": json.dumps({"current": "k1", "keys": {"k1": _key()}, "lookup": _key()}),
        **settings,
    }
    log = FOLDER / f"{service}.log"
    log.unlink(missing_ok=True)
    process = spawn(
        [
            *(sys.executable, "-m", "uvicorn", app, "--factory"),
            *("--host", places.HOST, "--port", str(port), "--workers", str(workers)),
            *("--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        ],
        log=log,
        environment={**os.environ, **{f"{prefix}_{name}": text for name, text in own.items()}},
        folder=places.ROOT,
    )
    try:
        _await_ready(port, process, log)
        yield Served(port, process)
    finally:
        stop([process], seconds=15)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, its children that have ended, and those that run, so far."""
    parent, seconds = psutil.Process(pid), 0.0
    for process in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it ends just now, and its parent counts it
            seconds += sum(process.cpu_times()[:4])
    return seconds


def token(*scopes: str, area: str = "", user: str = "bench") -> str:
    """A token for the services of the bench."""
    return Issuer().mint("bench", scopes=frozenset(scopes), area=area, user=user)


def _await_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://{places.HOST}:{port}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start:\n{tail(log)}")


def _peak_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


@contextmanager
def _published_keys() -> Iterator[str]:
    """Where the services of the bench fetch the issuer's public key, and tokens of their own."""
    issuer = Issuer()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(issuer.jwks())

        def do_POST(self) -> None:
            asked = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._answer(issuer.grant(asked["client_id"], asked["client_secret"], scope="", area="", user=""))

        def _answer(self, body: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((places.HOST, 0), Keys)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{places.HOST}:{server.server_port}/keys"
    finally:
        server.shutdown()
        server.server_close()


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()
