"""The process that is the suite: it owns Postgres, the issuer and the services, until it is told to stop (SIGTERM)."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import httpx

from deploy.local import places
from deploy.local.children import spawn, stop, tail
from deploy.local.databases import create_databases
from deploy.local.lock import Held, Lock
from deploy.local.postgres import EmbeddedPostgres, PostgresFailed
from deploy.local.programs import settings_of, suite_programs
from deploy.local.runner import Supervisor

_TICK_SECONDS = 0.05
_READY_SECONDS = 90
_MIGRATE_SECONDS = 120
_HOPELESS_RESTARTS = 3
_POSTGRES_PAUSE_SECONDS = 1
EXIT_REFUSED = 2
"""A port is taken or another suite runs: nothing was started."""


class NotReady(RuntimeError):
    """A part of the suite did not come up; the message names its log and what stands at its end."""


@dataclasses.dataclass
class State:
    """What stands in out/local/suite.json for `make down`, `make token`, `make verify` and the season driver."""

    pid: int
    started_at: str
    step: str = "starting"
    ready: bool = False
    addresses: dict[str, str] = dataclasses.field(default_factory=dict)
    databases: dict[str, str] = dataclasses.field(default_factory=dict)
    pids: dict[str, int] = dataclasses.field(default_factory=dict)
    restarts: dict[str, int] = dataclasses.field(default_factory=dict)

    def write(self, **changes: Any) -> None:
        """Change some fields and tell everybody."""
        for name, value in changes.items():
            setattr(self, name, value)
        places.replace(places.STATE, json.dumps(dataclasses.asdict(self), indent=1).encode())


def run(*, fresh: bool) -> int:
    """Be the suite until SIGTERM or SIGINT; `fresh` drops all data first. The exit code: 0, 1, or 2 where refused."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    lock = Lock(places.SUITE_LOCK)
    try:
        lock.take()
        _serve(fresh=fresh)
    except (Held, places.PortTaken) as error:
        print(error, flush=True)
        return EXIT_REFUSED
    except (NotReady, PostgresFailed) as error:
        print(error, flush=True)
        return 1
    finally:
        lock.release()
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Unwind every `with` and `finally` once; a second signal must not interrupt that."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def _serve(*, fresh: bool) -> None:
    state = State(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"))
    state.write()
    wanted = {"the token issuer": places.ISSUER_PORT, **places.SERVICE_PORTS, **places.SIMULATOR_PORTS}
    for name, port in wanted.items():
        places.require_free(port, name)
    postgres = EmbeddedPostgres(places.POSTGRES, port=places.POSTGRES_PORT)
    if fresh:
        state.write(step="dropping the data of the last run")
        postgres.drop()
        for folder in (places.LOGS, places.SIMULATORS):
            shutil.rmtree(folder, ignore_errors=True)
    try:
        state.write(step="starting Postgres")
        postgres.start()
        state.write(step="creating databases and migrating", databases=create_databases(postgres))
        _migrate(state.databases)
        supervisor = Supervisor(suite_programs(state.databases))
        try:
            state.write(step="starting the issuer and the services")
            supervisor.start()
            _await_ready(supervisor)
            ports = {"issuer": places.ISSUER_PORT, **places.SERVICE_PORTS, **places.SIMULATOR_PORTS}
            state.addresses = {name: places.address(port) for name, port in ports.items()}
            _supervise(supervisor, postgres, state)
        finally:
            supervisor.stop()
    finally:
        postgres.stop()
        places.STATE.unlink(missing_ok=True)


def _migrate(databases: dict[str, str]) -> None:
    """Migrate in a child, so that this process stays small and a stop can interrupt it."""
    environment = dict(os.environ)
    for service, url in databases.items():
        environment |= settings_of(service, url)
    log = places.LOGS / "migrate.log"
    command = [sys.executable, "-m", "deploy.local.migrate"]
    process = spawn(command, log=log, environment=environment, folder=places.ROOT)
    try:
        failed = process.wait(_MIGRATE_SECONDS) != 0
    except subprocess.TimeoutExpired:
        failed = True
    finally:
        stop([process], seconds=1)
    if failed:
        raise NotReady(f"the migrations failed; {log} ends:\n{tail(log)}")


def _await_ready(supervisor: Supervisor) -> None:
    """Wait until the issuer, every service and every simulated channel say that they are ready."""
    alone = {"issuer": places.ISSUER_PORT, **places.SIMULATOR_PORTS}
    waiting = {name: f"{places.address(port)}/healthz" for name, port in alone.items()}
    waiting |= {name: f"{places.address(port)}/readyz" for name, port in places.SERVICE_PORTS.items()}
    deadline = time.monotonic() + _READY_SECONDS
    with httpx.Client(timeout=2, trust_env=False) as client:
        while waiting:
            supervisor.tick()
            waiting = {name: url for name, url in waiting.items() if not _answers(client, url)}
            for name in waiting:
                if supervisor.restarts[name] >= _HOPELESS_RESTARTS or time.monotonic() > deadline:
                    log = places.LOGS / f"{name}.log"
                    raise NotReady(f"{name} does not become ready; {log} ends:\n{tail(log)}")
            time.sleep(_TICK_SECONDS)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _supervise(supervisor: Supervisor, postgres: EmbeddedPostgres, state: State) -> None:
    """Say that the suite is ready; start again whatever dies, and say that too. Ends by a signal alone."""
    postgres_restarts = 0
    changed = True
    while True:
        if not postgres.alive:
            postgres_restarts += 1
            changed = _start_again(postgres)
        changed = supervisor.tick() or changed
        if changed and postgres.alive:
            state.write(
                step="ready",
                ready=True,
                pids={"postgres": postgres.pid, **supervisor.pids},
                restarts={"postgres": postgres_restarts, **supervisor.restarts},
            )
            changed = False
        time.sleep(_TICK_SECONDS)


def _start_again(postgres: EmbeddedPostgres) -> bool:
    """Start Postgres after it died; False where it does not come back yet."""
    try:
        postgres.start()
    except (PostgresFailed, places.PortTaken, Held) as error:
        print(f"Postgres does not come back, trying again: {error}", flush=True)
        time.sleep(_POSTGRES_PAUSE_SECONDS)
        return False
    return True
