"""The suite in containers: docker-compose.yml with deploy/local/compose.yml on top, for `make season TARGET=compose`.

`python -m deploy.local.compose` writes the settings and secrets that docker-compose.yml reads (`make compose-secrets`).
They are those of the local run (`programs.settings_of`), with the addresses of the containers' network. They lie in
out/compose, a folder that nobody but its owner may enter; what the account inside a container has to read is readable
to all below it.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.local import places
from deploy.local.clock import release_clock, set_clock
from deploy.local.issuer import Issuer
from deploy.local.programs import settings_of
from deploy.local.suite import SuiteFailed

SETTINGS = places.OUT / "compose"
GATEWAY_PORT = 8000
_PROJECT = "canbao-season"
_FILES = ("docker-compose.yml", "deploy/local/compose.yml")
_LOG = places.LOGS / "compose.log"
_ISSUER_KEYS = frozenset({"issuer.pem", "clients.json"})
_STRICTLY_PRIVATE = _ISSUER_KEYS | {"sealing.json", "postgres.json"}
_KEYS_INSIDE = "/run/keys"
_READY_SECONDS = 90
_POLL_SECONDS = 0.1
_TAIL_LINES = 12


def write_settings(folder: Path = SETTINGS) -> None:
    """Write what docker-compose.yml reads: an environment for Postgres and each service, and who sees which keys."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = json.loads(places.kept(places.KEYS / "postgres.json", _new_passwords))
    databases = {f"{service.upper()}_PASSWORD": passwords[service] for service in places.SERVICES}
    _write_environment(folder / "postgres.env", {"POSTGRES_PASSWORD": passwords["postgres"], **databases})
    Issuer()  # makes its keys at the first use
    _hand_out(folder / "keys" / "issuer", _ISSUER_KEYS)
    key_file = re.compile(re.escape(f"{places.KEYS}/") + r"([\w.-]+)")
    for service in places.SERVICES:
        url = f"postgresql+asyncpg://{service}:{passwords[service]}@postgres/{service}"
        settings = settings_of(service, url)
        _write_environment(folder / f"{service}.env", {name: _inside(name, text) for name, text in settings.items()})
        _hand_out(folder / "keys" / service, {name for text in settings.values() for name in key_file.findall(text)})
    _hand_out(folder / "keys" / "simulators", {path.name for path in places.KEYS.glob("[!.]*")} - _STRICTLY_PRIVATE)
    _make_passable(places.CLOCK.parent)


def _inside(name: str, text: str) -> str:
    """A setting with the addresses and paths of the containers; the issuer's name in tokens is not an address."""
    if name.endswith("_ISSUER"):
        return text
    for port in places.PORTS.values():
        text = text.replace(places.address(port), places.container_address(port))
    return text.replace(str(places.KEYS), _KEYS_INSIDE)


def _hand_out(folder: Path, names: Collection[str]) -> None:
    """Copy those keys, and no others, to the folder that a container sees; it may be looking into it."""
    _make_passable(folder)
    for old in folder.iterdir():
        if old.name not in names:
            old.unlink()
    for name in names:
        places.replace(folder / name, (places.KEYS / name).read_bytes())
        (folder / name).chmod(0o644)


def _make_passable(folder: Path) -> None:
    """Make a folder that containers see, whatever our umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def _write_environment(path: Path, values: dict[str, str]) -> None:
    """Write an env_file of Compose. Raises ValueError for a value that it would read differently."""
    for variable, text in values.items():
        if text != text.strip() or any(mark in text for mark in ("\n", "$", "'", " #")) or text.startswith('"'):
            raise ValueError(f"{variable} cannot stand in an env_file")
    places.replace(path, "".join(f"{key}={text}\n" for key, text in values.items()).encode())


def _new_passwords() -> bytes:
    made = {name: secrets.token_urlsafe(24) for name in ("postgres", *places.SERVICES)}
    return json.dumps(made, indent=1).encode()


class ComposeSuite:
    """The suite in containers, to be started, disturbed and stopped like `suite.Suite`.

    `fresh` begins with new data. Its containers and data are a Compose project of their own, so that one somebody keeps
    running by hand is left alone. `keep` leaves it running at the end of the `with` block. Without it nothing is left
    but the log of all containers.
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
        self._command: list[str] = []
        self._containers: dict[str, str] = {}
        self._started_again: Counter[str] = Counter()
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keep:
            self._report(f"the containers run on; `{' '.join(self._command)} down -v` removes them and their data")
        else:
            self.stop()

    def start(self) -> None:
        """Build the images, start everything by health, return when it is ready. Raises SuiteFailed.

        Its code is 2 where there is no engine or a port is taken: nothing was started then.
        """
        self._command = _compose_command()
        _LOG.parent.mkdir(parents=True, exist_ok=True)
        _LOG.unlink(missing_ok=True)
        write_settings()
        if self._fresh:
            self._remove()
        self._require_free_ports()  # before the clock is moved: a suite of this checkout may be running outside
        if self._fresh:
            release_clock(places.CLOCK)
        if self._begins_at is not None:
            set_clock(places.CLOCK, self._begins_at)
        try:
            self._report("building the images")
            self._compose("build")
            self._report("starting the containers, by health")
            self._compose("up", "-d", "--no-build", "--remove-orphans")
            self._learn_containers()
            self._await_ready()
        except BaseException:
            if not self._keep:
                self.stop()
            raise

    def stop(self) -> None:
        """Write down what the containers said, then remove them and their data."""
        self._command = self._command or _compose_command()
        with _LOG.open("ab") as log:
            subprocess.run(
                [*self._command, "logs", "--no-color", "--timestamps"],
                stdout=log,
                stderr=log,
                cwd=places.ROOT,
                env=_environment(),
                check=False,
            )
        self._remove()

    def kill(self, name: str) -> None:
        """SIGKILL a part of the suite: a service, `issuer`, `postgres` or `gateway`.

        It is started again here: an engine takes a kill for a wish of the operator, and applies no restart policy.
        """
        container = self._containers[name]
        with self._one_at_a_time:
            _ask(["docker", "kill", container], must=False)  # it may be down already
            _ask(["docker", "start", container])
            self._started_again[name] += 1

    def state(self) -> dict[str, Any]:
        """Addresses, containers and restarts, as the engine sees them now. Raises SuiteFailed where they are gone."""
        names = list(self._containers)
        seen = _ask(["docker", "inspect", "--format", "{{.RestartCount}}", *self._containers.values()]).split()
        restarts = {name: int(count) + self._started_again[name] for name, count in zip(names, seen, strict=True)}
        return {"addresses": self.addresses, "containers": dict(self._containers), "restarts": restarts}

    @property
    def addresses(self) -> dict[str, str]:
        """Where the services answer, through the gateway; the issuer and the simulated channels, by themselves."""
        gateway = {name: f"{places.address(GATEWAY_PORT)}/{name}" for name in places.SERVICES}
        return {name: gateway.get(name) or places.address(port) for name, port in places.PORTS.items()}

    @property
    def restart_count(self) -> int:
        """How often parts of the suite were started again since it began."""
        return sum(self.state()["restarts"].values())

    def _compose(self, *words: str) -> None:
        """Run Compose, what it says going to the log. Raises SuiteFailed with the end of that."""
        before = _LOG.stat().st_size if _LOG.exists() else 0
        with _LOG.open("ab") as log:
            done = subprocess.run(
                [*self._command, *words], stdout=log, stderr=log, cwd=places.ROOT, env=_environment(), check=False
            )
        if done.returncode != 0:
            said = _LOG.read_bytes()[before:].decode(errors="replace").splitlines()
            ending = "\n".join(said[-_TAIL_LINES:])
            raise SuiteFailed(f"`{' '.join(words)}` failed; {_LOG} ends:\n{ending}", 1)

    def _remove(self) -> None:
        self._compose("down", "--volumes", "--remove-orphans")

    def _learn_containers(self) -> None:
        """Which container is which part; the one-shot migrations are over and left out."""
        listed = _ask([
            *("docker", "ps", "--filter", f"label=com.docker.compose.project={_PROJECT}"),
            *("--format", '{{.Label "com.docker.compose.service"}} {{.ID}}'),
        ])  # fmt: skip
        self._containers = dict(line.split() for line in listed.splitlines())

    def _await_ready(self) -> None:
        """Wait until the services, the channels and the gateway answer. Raises SuiteFailed."""
        waiting = {name: f"{places.address(port)}/readyz" for name, port in places.SERVICE_PORTS.items()}
        waiting |= {name: f"{places.address(port)}/healthz" for name, port in places.SIMULATOR_PORTS.items()}
        waiting["gateway"] = f"{places.address(GATEWAY_PORT)}/healthz"
        deadline = time.monotonic() + _READY_SECONDS
        with httpx.Client(timeout=2, trust_env=False) as client:
            while waiting := {name: url for name, url in waiting.items() if not _answers(client, url)}:
                if time.monotonic() > deadline:
                    raise SuiteFailed(f"not ready after {_READY_SECONDS} s: {', '.join(waiting)}; see {_LOG}", 1)
                time.sleep(_POLL_SECONDS)

    def _require_free_ports(self) -> None:
        if not self._fresh and self._runs():
            return
        try:
            for name, port in {"the gateway": GATEWAY_PORT, **places.PORTS}.items():
                places.require_free(port, name)
        except places.PortTaken as taken:
            raise SuiteFailed(str(taken), 2) from taken

    def _runs(self) -> bool:
        return bool(_ask(["docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={_PROJECT}"]))


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _compose_command() -> list[str]:
    """Compose v2 or docker-compose 1.29, whichever is there. Raises SuiteFailed where there is none, or no engine."""
    if shutil.which("docker") is None or not _succeeds("docker", "version", "--format", "{{.Server.Version}}"):
        raise SuiteFailed("TARGET=compose needs a Docker engine, and none answers; TARGET=local needs none", 2)
    if _succeeds("docker", "compose", "version"):
        found = ["docker", "compose"]
    elif shutil.which("docker-compose") is not None:
        found = ["docker-compose"]
    else:
        raise SuiteFailed("TARGET=compose needs Docker Compose (v2, or docker-compose from 1.29); there is none", 2)
    files = [word for file in _FILES for word in ("-f", file)]
    return [*found, "--ansi", "never", "--project-name", _PROJECT, *files]


def _environment() -> dict[str, str]:
    return {**os.environ, "CANBAO_STAGE": "local"}


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _ask(command: Sequence[str], *, must: bool = True) -> str:
    """What a command prints. Raises SuiteFailed with what it complained of, if it `must` succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if must and done.returncode != 0:
        raise SuiteFailed(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()}", 1)
    return done.stdout.strip()


def main() -> int:
    """Write the settings and say where they are."""
    argparse.ArgumentParser(prog="python -m deploy.local.compose", description=__doc__).parse_args()
    write_settings()
    print(f"settings and secrets for docker-compose.yml stand in {SETTINGS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
