"""A Postgres of our own, out of a PyPI package: no system package, no Docker, no root, and none of it left behind.

`home/` holds everything: `cluster` (the data directory), `password`, `log`, and `lock`, which the owning process holds
for its lifetime. So whoever gets the lock knows that a Postgres still running on this data is a stray, and may end it.
Start it once per process that needs it; the server dies with that process, even by SIGKILL (`deploy/local/launch.py`).
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from deploy.local import binaries, places
from deploy.local.children import spawn, stop, tail
from deploy.local.lock import Lock

_USER = "canbao"
_START_SECONDS = 60
_STOP_SECONDS = 30
_STRAY_SECONDS = 10
_PORT_TRIES = 3
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_SETTINGS = {
    "listen_addresses": places.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",  # nobody replicates from it
    "max_wal_senders": "0",
    "max_parallel_workers_per_gather": "0",  # short queries, and a container's /dev/shm is small
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
}
# For tests: survives the death of Postgres, not of the machine. Commits stay synchronous, for without that an immediate
# stop (SIGQUIT) loses them; with nothing forced to disk they cost next to nothing.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgresFailed(RuntimeError):
    """The embedded Postgres could not be started or asked; the message holds what it said."""


class EmbeddedPostgres:
    """A Postgres server on 127.0.0.1, its data under `data`, or in a private place where its account cannot reach that.

    `port` None takes a free one at the first start and keeps it. `durable=False` is for tests: nothing is forced to
    disk. `settings` go before those that every server of ours has. `home` tells where the data really lies.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._account = binaries.account_for(data)
        self.home = binaries.home_for(data, self._account)
        self._private = self.home != data.resolve()
        self._programs = binaries.programs_for(self._account)
        self._cluster = self.home / "cluster"
        self._lock = Lock(self.home / "lock")
        self._fixed_port = port is not None
        self._port = port
        self._durable = durable
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the server that we started still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def has_data(self) -> bool:
        """Whether it was started before, so that there is data to start on."""
        return self._cluster.exists()

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.home / "log"

    def start(self) -> None:
        """Start the server, on the data there is or on new data, and return when it answers.

        Ends what an earlier owner left on this data first; starts anew after the server itself died. Raises
        `lock.Held` where another living process owns the data, `places.PortTaken`, and PostgresFailed.
        """
        if self.alive:
            return
        self._make_home()
        self._lock.take()
        try:
            self._end_strays()
            if not self._cluster.exists():
                self._initialise()
            for attempt in range(1, _PORT_TRIES + 1):
                if self._run(last=attempt == _PORT_TRIES):
                    return
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and let go of the data; open connections are cut."""
        if self._process is not None:
            # SIGINT cuts connections and writes a checkpoint; SIGQUIT leaves the write-ahead log to the next start.
            stop([self._process], seconds=_STOP_SECONDS, first=signal.SIGINT if self._durable else signal.SIGQUIT)
            self._process = None
            self._end_strays()
        self._lock.release()

    def drop(self) -> None:
        """Stop the server if it runs, and remove all its data. Raises `lock.Held` where another process owns it."""
        self.stop()
        if not self.home.exists():
            return
        self._lock.take()
        self._end_strays()
        shutil.rmtree(self.home)
        self._lock.release()
        if self._private:
            with suppress(OSError):  # something else of this checkout lies there still
                self.home.parent.rmdir()

    def url(self, database: str) -> str:
        """The address of a database, for SQLAlchemy with asyncpg."""
        return f"postgresql+asyncpg://{_USER}:{self._password()}@{places.HOST}:{self._port}/{database}"

    def follow(self, primary: "EmbeddedPostgres") -> None:
        """Copy a primary that runs; once started, this server follows it. The settings of both must allow that.

        Raises PostgresFailed where the copy cannot be made.
        """
        self._make_home()
        shutil.copy2(primary.home / "password", self.home / "password")
        process = spawn(
            [
                self._programs / "bin" / "pg_basebackup",
                *("-D", self._cluster, "-d", primary.url("").replace("+asyncpg", "", 1)),
                *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"),
            ],
            log=self.log,
            folder=self.home,
            account=self._account,
        )
        if process.wait(_START_SECONDS) != 0:
            raise PostgresFailed(f"pg_basebackup failed:\n{tail(self.log)}")

    def create_database(self, name: str) -> None:
        """Create a database unless there is one of that name. Raises ValueError for a name that would need quotes."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a plain database name: {name!r}")
        if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.execute(f"CREATE DATABASE {name}")

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run SQL as the superuser; rows come back as text, one a line. Raises PostgresFailed with what psql said."""
        psql = binaries.installed() / "bin" / "psql"
        address = f"postgresql://{_USER}@{places.HOST}:{self._port}/{database}"
        done = subprocess.run(
            [psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", address],
            input=statement,
            env={**os.environ, "PGPASSWORD": self._password()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PostgresFailed(done.stderr.strip())
        return done.stdout.strip()

    def _password(self) -> str:
        return (self.home / "password").read_text()

    def _make_home(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._account is not None:
            os.chown(self.home, self._account.uid, self._account.gid)

    def _initialise(self) -> None:
        """Make the data directory, and give it its name only when it is complete."""
        unfinished = self.home / "cluster.unfinished"
        password = self.home / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        places.replace(password, secrets.token_urlsafe(24).encode())
        if self._account is not None:
            os.chown(password, self._account.uid, self._account.gid)
        process = spawn(
            [
                self._programs / "bin" / "initdb",
                *("-D", unfinished, "-U", _USER, "-A", "scram-sha-256", "--pwfile", password),
                *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            log=self.log,
            folder=self.home,
            account=self._account,
        )
        if process.wait(_START_SECONDS) != 0:
            raise PostgresFailed(f"initdb failed:\n{tail(self.log)}")
        unfinished.rename(self._cluster)

    def _run(self, *, last: bool) -> bool:
        """Run the server and wait until it is ready. False when another program snatched the port that we chose."""
        if self._port is None:
            self._port = places.free_port()
        places.require_free(self._port, "the embedded Postgres")
        settings = (
            _SETTINGS | {"port": str(self._port)} | ({} if self._durable else _NOT_DURABLE) | dict(self._settings)
        )
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = spawn(
            [self._programs / "bin" / "postgres", "-D", self._cluster, *options],
            log=self.log,
            folder=self.home,
            account=self._account,
            death_signal=signal.SIGQUIT,  # the postmaster takes its children with it
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if time.monotonic() > deadline:
                raise PostgresFailed(f"Postgres is not ready after {_START_SECONDS} s:\n{tail(self.log)}")
            if self._process.poll() is not None:
                said = tail(self.log)
                if "Address already in use" in said and not self._fixed_port and not last:
                    self._port = None
                    return False
                raise PostgresFailed(f"Postgres ended while starting:\n{said}")
            time.sleep(0.02)
        self._fixed_port = True  # who holds our url finds us at the same port after a restart
        return True

    def _ready(self) -> bool:
        """Whether the postmaster says in its pid file that connections are welcome (as `pg_ctl -w` asks)."""
        assert self._process is not None
        with suppress(FileNotFoundError):
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"
        return False

    def _end_strays(self) -> None:
        """End every Postgres process on this data. We hold the lock, so that their owner is dead."""
        deadline = time.monotonic() + _STRAY_SECONDS
        while strays := self._strays():
            late = time.monotonic() > deadline
            for process in strays:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL if late else signal.SIGQUIT)
            psutil.wait_procs(strays, timeout=0.5)
        # Its number may belong to a process of somebody else by now, which would keep Postgres from starting.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _strays(self) -> list[psutil.Process]:
        """The Postgres processes that work in our data directory: every one of them lives in it."""
        found = []
        for process in psutil.process_iter(["name"]):
            if process.info["name"] in {"postgres", "initdb"}:
                with suppress(psutil.Error, OSError):
                    if Path(process.cwd()).is_relative_to(self.home):
                        found.append(process)
        return found
