"""A lock that one process holds for its lifetime; the kernel lets go of it however the process ends."""

import fcntl
import os
import time
from pathlib import Path

_TRIES = 6
_PAUSE_SECONDS = 0.05


class Held(RuntimeError):
    """Another living process holds the lock."""


class Lock:
    """An exclusive lock on a file, with the holder's process id written in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock, or raise Held. Taking a lock that we hold does nothing."""
        if self._handle is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(_TRIES):  # `holder` may hold it for a moment
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE_SECONDS)
        else:
            other = os.read(handle, 32).decode()
            os.close(handle)
            raise Held(f"{self._path.parent} is in use by process {other or '(unknown)'}")
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Let go of the lock, if we hold it."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def holder(path: Path) -> int | None:
    """The id of the living process that holds the lock at `path`, or None."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0) or None
    return None
