"""Where the local run keeps its things, and which ports it uses."""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out"
LOCAL = OUT / "local"
KEYS = OUT / "keys"
LOGS = LOCAL / "logs"
METRICS = LOCAL / "metrics"
POSTGRES = LOCAL / "postgres"
SIMULATORS = LOCAL / "simulators"
CLOCK = LOCAL / "clock" / "clock.json"
"""In a folder of its own: containers see that folder and nothing else of the local run."""
STATE = LOCAL / "suite.json"
SUITE_LOCK = LOCAL / "suite.lock"

HOST = "127.0.0.1"
POSTGRES_PORT = 15432
ISSUER_PORT = 8005
SERVICE_PORTS = {"eligibility": 8002, "registration": 8001, "payments": 8003, "refunds": 8004}
"""The ports of the contract, in the order in which the services need one another."""
SERVICES = tuple(SERVICE_PORTS)
SIMULATOR_PORTS = {"wechat": 8010, "bank": 8011, "tax": 8012, "unionpay": 8013, "pos": 8014}
"""The channels of the local run, simulated: 8010 to 8019."""
PORTS = {"issuer": ISSUER_PORT, **SERVICE_PORTS, **SIMULATOR_PORTS}

IN_CONTAINER = "CANBAO_IN_CONTAINER" in os.environ
CONTAINER_PORT = 8000
"""Set by the image (deploy/Dockerfile), where every program listens on the same port."""


class PortTaken(RuntimeError):
    """Somebody else listens on a port that the local run needs."""

    def __init__(self, port: int, user: str) -> None:
        super().__init__(f"port {port} on {HOST}, which {user} needs, is taken by another program")
        self.port = port


def address(port: int) -> str:
    """The address of a program of the local run, for who asks: in a container it is another container."""
    return container_address(port) if IN_CONTAINER else f"http://{HOST}:{port}"


def container_address(port: int) -> str:
    """The address of the same program between containers: each has a host of its own name. Raises KeyError."""
    names = {number: name for name, number in PORTS.items()}
    return f"http://{names[port]}:{CONTAINER_PORT}"


def require_free(port: int, user: str) -> None:
    """Raise PortTaken, naming the user of the port, unless one can listen on it now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(port, user) from error


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, readable by its owner alone: a reader sees the old or the new."""
    temporary = _written_beside(path, content)
    temporary.replace(path)


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The secret kept at `path`; made at the first asking (mode 600), the same for all who ask at once."""
    if not path.exists():
        temporary = _written_beside(path, make())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was first, and its secret is the one that counts
        finally:
            temporary.unlink()
    return path.read_bytes()


def _written_beside(path: Path, content: bytes) -> Path:
    """A new file (mode 600) with `content` in the folder of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return Path(name)
