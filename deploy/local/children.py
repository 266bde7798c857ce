"""Child processes that leave nothing behind: they die with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = Path(__file__).with_name("launch.py")

# The kernel ties a child to the *thread* that forked it. This one lives as long as the process, whoever asks it.
_FORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


@dataclass(frozen=True)
class Account:
    """An account of the operating system, by its numbers."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command`, its output appended to `log`; it gets `death_signal` when this process ends, however it ends.

    It stands in a session of its own, so that Ctrl-C in a terminal reaches the parent alone, which stops its children
    in order. `account` is whom to become (only root can). Raises OSError when it cannot be started.
    """
    whom = "-" if account is None else f"{account.uid}:{account.gid}"
    launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(death_signal)), whom]

    def fork() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [*launch, *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=folder,
                start_new_session=True,
            )

    log.parent.mkdir(parents=True, exist_ok=True)
    return _FORKER.submit(fork).result()


def stop(
    processes: Iterable[subprocess.Popen[bytes]],
    *,
    seconds: float,
    first: signal.Signals = signal.SIGTERM,
) -> None:
    """Ask all of them to end, wait for at most `seconds`, kill those that stay, and reap them all."""
    living = [process for process in processes if process.poll() is None]
    for process in living:
        process.send_signal(first)
    deadline = time.monotonic() + seconds
    for process in living:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for a message about what went wrong."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
