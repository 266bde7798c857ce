"""Runs programs side by side, each in its own process with its own log, and starts again what dies."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.children import spawn, stop

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""A program that ran this long was well: its next restart waits for the first pause again."""


@dataclass(frozen=True)
class Program:
    """A program to be kept running: its command, its whole environment, its log, and what to do before each start."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    prepare: Callable[[], None] = lambda: None


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    not_before: float = field(default=0.0)


class Supervisor:
    """Keeps programs running. Nothing happens by itself: its owner calls `tick` every few hundredths of a second."""

    def __init__(self, programs: Sequence[Program], *, stop_seconds: float = 15) -> None:
        self._children = {program.name: _Child(program) for program in programs}
        self._stop_seconds = stop_seconds

    def start(self) -> None:
        """Start every program."""
        for child in self._children.values():
            self._start(child)

    def tick(self) -> bool:
        """Start what died and has waited out its pause. True when the processes are others than before."""
        now = time.monotonic()
        changed = False
        for child in self._children.values():
            if child.process is not None and child.process.poll() is not None:
                steady = now - child.started >= STEADY_SECONDS
                child.pause = FIRST_PAUSE_SECONDS if steady else min(child.pause * 2, LONGEST_PAUSE_SECONDS)
                child.not_before = now + (FIRST_PAUSE_SECONDS if child.restarts == 0 else child.pause)
                child.process = None
            if child.process is None and now >= child.not_before:
                child.restarts += 1
                self._start(child)
                changed = True
        return changed

    def stop(self) -> None:
        """Ask all programs to end (SIGTERM), kill what has not ended in time, and reap them."""
        stop(
            [child.process for child in self._children.values() if child.process is not None],
            seconds=self._stop_seconds,
        )

    @property
    def pids(self) -> dict[str, int]:
        """The process id of every program that runs."""
        return {name: child.process.pid for name, child in self._children.items() if child.process is not None}

    @property
    def restarts(self) -> dict[str, int]:
        """How often each program was started again."""
        return {name: child.restarts for name, child in self._children.items()}

    def _start(self, child: _Child) -> None:
        program = child.program
        program.prepare()
        child.started = time.monotonic()
        child.process = spawn(program.command, log=program.log, environment=program.environment, folder=program.folder)
