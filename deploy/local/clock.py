"""The business clock of the local run: a file that the season driver moves and every service reads."""

import json
import os
import time
from datetime import datetime
from pathlib import Path

from deploy.local import places
from shared.clock import SHANGHAI


class FileClock:
    """Stands at the instant in the file (`{"now": "2021-09-01T08:00:00+08:00"}`); without a file it is the wall clock.

    What was read is kept until the file changes, so that asking costs one `stat`. Since the instant lies in a file, it
    survives the restart of a service. Implements `shared.clock.Clock`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._instant: datetime | None = None

    def now(self) -> datetime:
        """The business instant, in Asia/Shanghai. Raises ValueError for a file that no clock wrote."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            if self._instant is None or seen != self._seen:
                self._instant, self._seen = _read(self._path), seen
        except FileNotFoundError:
            return datetime.now(SHANGHAI)
        return self._instant


def set_clock(path: Path, instant: datetime) -> None:
    """Put the clock at `path` to `instant`, in one step. Raises ValueError for an instant without offset."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs its offset: {instant}")
    content = json.dumps({"now": instant.astimezone(SHANGHAI).isoformat()})
    # A file system's own stamps may be the same for two files written within some milliseconds.
    stamp = time.time_ns()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{stamp}")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(content)
    temporary.chmod(0o644)  # a service in a container reads it under another account
    os.utime(temporary, ns=(stamp, stamp))
    temporary.replace(path)


def release_clock(path: Path) -> None:
    """Let business time be the wall clock again."""
    path.unlink(missing_ok=True)


def _read(path: Path) -> datetime:
    """The instant in a clock's file."""
    instant = datetime.fromisoformat(json.loads(path.read_text())["now"])
    if instant.tzinfo is None:
        raise ValueError(f"{path}: an instant needs its offset: {instant}")
    return instant.astimezone(SHANGHAI)


def suite_clock() -> FileClock:
    """The clock of the suite of this checkout."""
    return FileClock(places.CLOCK)
