"""What a service costs before it has done anything: seconds until it is ready, memory of a worker, size of an image."""

import re
import time
from importlib import metadata
from pathlib import Path

from deploy.local import places

from . import stage

_LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_CODE = ("shared", *(f"services/{service}" for service in places.SERVICES))


def footprint() -> dict[str, float]:
    """The figures by name; memory in MiB, of one worker. An image is the Python base image and these two sizes."""
    figures = {"packages_mib": _packages_mib(), "code_mib": _mib(sum(_size(places.ROOT / folder) for folder in _CODE))}
    with stage.database() as postgres:
        for service in places.SERVICES:
            url = stage.migrated(postgres, service, service)
            began = time.monotonic()
            with stage.served(service, url) as process:
                figures[f"{service}_ready_seconds"] = round(time.monotonic() - began, 2)
                figures[f"{service}_idle_mib"] = round(process.peak_mib(), 1)
    return figures


def _packages_mib() -> float:
    """The packages of the product as they are installed, byte code included."""
    names = _LOCKED.findall((places.ROOT / "requirements-product.lock").read_text(encoding="utf-8"))
    return _mib(sum(_installed(name) for name in names))


def _installed(name: str) -> int:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return 0
    return sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mib(size_bytes: int) -> float:
    return round(size_bytes / 2**20, 1)
