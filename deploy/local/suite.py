"""The whole suite on this machine: embedded Postgres, token issuer and the four services, kept running.

`python -m deploy.local.suite up|down|drop|status|run`, and `Suite` for the season driver. The suite itself is a process
of its own (`suite_process.py`), which restarts what dies while its owner works.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from deploy.local import binaries, places, suite_process
from deploy.local.children import spawn, tail
from deploy.local.clock import release_clock, set_clock
from deploy.local.databases import running_suite
from deploy.local.lock import holder
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.publish import publish_packages

_LOG = places.LOGS.with_name("suite.log")
_START_SECONDS = 240
_STOP_SECONDS = 60
_POLL_SECONDS = 0.05


class SuiteFailed(RuntimeError):
    """The suite could not be started; `code` is its exit code (2: a port is taken, nothing was started)."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Suite:
    """The suite of this checkout, to be started, disturbed and stopped.

    `fresh` begins with empty databases (a suite that runs is stopped for it) and, where `begins_at` is given, with the
    business clock at that instant. `keep` leaves it running at the end of the `with` block, as `make up` does;
    without it the suite also ends when this process dies. `report` is told every step of the start.
    """

    def __init__(
        self,
        *,
        fresh: bool = False,
        keep: bool = False,
        begins_at: datetime | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._fresh = fresh
        self._keep = keep
        self._begins_at = begins_at
        self._report = report
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._keep:
            self.stop()

    def start(self) -> None:
        """Start the suite unless it runs, and return when every part of it is ready. Raises SuiteFailed."""
        if holder(places.SUITE_LOCK) is not None:
            if not self._fresh:
                self._await_ready(None)
                return
            self._report("stopping the suite that was running")
            self.stop()
        if self._fresh:
            release_clock(places.CLOCK)
        if self._begins_at is not None:
            set_clock(places.CLOCK, self._begins_at)
        places.STATE.unlink(missing_ok=True)
        _LOG.unlink(missing_ok=True)
        self._process = self._spawn()
        self._await_ready(self._process)

    def stop(self) -> None:
        """Stop the suite if it runs, gracefully, and return when nothing of it is left."""
        deadline = time.monotonic() + _STOP_SECONDS
        asked: int | None = None
        while (pid := holder(places.SUITE_LOCK)) is not None:
            with suppress(ProcessLookupError):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)  # its children die with it
                elif asked != pid:
                    os.kill(pid, signal.SIGTERM)
                    asked = pid
            time.sleep(_POLL_SECONDS)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def kill(self, name: str) -> None:
        """SIGKILL a part of the suite: a service, `issuer` or `postgres`. The suite starts it again."""
        pid = self.state()["pids"][name]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def state(self) -> dict[str, Any]:
        """What stands in suite.json: addresses, databases, pids, restarts. Raises SuiteFailed where it does not run."""
        state = running_suite()
        if state is None:
            raise SuiteFailed("the suite does not run", 1)
        return state

    @property
    def addresses(self) -> dict[str, str]:
        """Where each service and the issuer answer."""
        found: dict[str, str] = self.state()["addresses"]
        return found

    @property
    def databases(self) -> dict[str, str]:
        """Service → URL of its database."""
        found: dict[str, str] = self.state()["databases"]
        return found

    @property
    def restart_count(self) -> int:
        """How often parts of the suite were started again since it began."""
        return sum(self.state()["restarts"].values())

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "deploy.local.suite", "run", *(["--fresh"] if self._fresh else [])]
        if not self._keep:
            return spawn(command, log=_LOG, folder=places.ROOT, death_signal=signal.SIGTERM)
        _LOG.parent.mkdir(parents=True, exist_ok=True)
        with _LOG.open("ab") as log:  # on its own: it outlives us
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=places.ROOT,
                start_new_session=True,
            )

    def _await_ready(self, process: subprocess.Popen[bytes] | None) -> None:
        """Wait until the suite is ready, telling each step; `process` is the suite if we started it."""
        deadline = time.monotonic() + _START_SECONDS
        step = ""
        while True:
            state = running_suite()
            if state is not None and state["step"] != step:
                step = state["step"]
                self._report(step)
            if state is not None and state["ready"]:
                return
            if process is not None and process.poll() is not None:
                raise SuiteFailed(tail(_LOG), process.returncode)
            if process is None and holder(places.SUITE_LOCK) is None:
                raise SuiteFailed("the suite that was starting has stopped", 1)
            if time.monotonic() > deadline:
                raise SuiteFailed(f"the suite is not ready after {_START_SECONDS} s ({step})", 1)
            time.sleep(_POLL_SECONDS)


def _up() -> int:
    suite = Suite(keep=True, report=lambda step: print(f"· {step}", flush=True))
    try:
        suite.start()
    except SuiteFailed as error:
        print(error, file=sys.stderr)
        return error.code
    print(f"· published: {', '.join(publish_packages(suite.addresses))}", flush=True)
    _print_addresses(suite.state())
    return 0


def _down() -> int:
    running = holder(places.SUITE_LOCK) is not None
    Suite().stop()
    print("the suite is stopped; its data is kept" if running else "the suite was not running")
    return 0


def _drop() -> int:
    Suite().stop()
    EmbeddedPostgres(places.POSTGRES).drop()
    shutil.rmtree(places.SIMULATORS, ignore_errors=True)
    binaries.remove_copies()
    release_clock(places.CLOCK)
    print("the suite is stopped and its data removed")
    return 0


def _status() -> int:
    state = running_suite()
    if state is None:
        print("the suite does not run (make up starts it)")
        return 1
    print(f"process {state['pid']}, since {state['started_at']}, {state['step']}")
    _print_addresses(state)
    return 0


def _print_addresses(state: dict[str, Any]) -> None:
    for name, address in state["addresses"].items():
        note = f"{address}/docs" if name in places.SERVICES else address
        restarts = state["restarts"].get(name, 0)
        print(f"  {name:<13} {note}" + (f"   (restarted {restarts} times)" if restarts else ""))
    print(f"  {'postgres':<13} {places.HOST}:{places.POSTGRES_PORT}   (addresses with password: {places.STATE})")
    print(f"  {'logs':<13} {places.LOGS}")


def main() -> int:
    """The commands; exit code 2 where a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.suite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the suite in the background and return when it is ready; data is kept")
    commands.add_parser("down", help="stop the suite; data is kept")
    commands.add_parser("drop", help="stop the suite and remove its data")
    commands.add_parser("status", help="what runs, and where (exit code 1 where nothing does)")
    run = commands.add_parser("run", help="be the suite, in the foreground, until Ctrl-C")
    run.add_argument("--fresh", action="store_true", help="drop all data first")
    wish = parser.parse_args()
    if wish.command == "run":
        return suite_process.run(fresh=wish.fresh)
    return {"up": _up, "down": _down, "drop": _drop, "status": _status}[wish.command]()


if __name__ == "__main__":
    sys.exit(main())
