"""Work without a request: follow feeds, take in files, settle what is open. Stopped in order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import structlog

from .ids import new_id
from .logs import begin_request
from .metrics import JOB_FAILURES

Item = TypeVar("Item")

_log = structlog.get_logger()
_STOP_SECONDS = 10
_LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Job:
    """One piece of work, done again and again; at once, where `work` answers that there was something to do."""

    name: str
    every_seconds: float
    work: Callable[[], Awaitable[bool]]
    wakes: tuple[str, ...] = ()
    """The jobs for which it may have made work: they do not wait for their turn when it has done something."""


class JobRunner:
    """Runs a service's jobs beside its requests."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._stopping = False
        self._called = {job.name: asyncio.Event() for job in jobs}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start every loop."""
        self._tasks = [asyncio.create_task(self._loop(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """Let each loop finish what it does, then end it; after a limit it is cut off and rolled back."""
        self._stopping = True
        for called in self._called.values():
            called.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _loop(self, job: Job) -> None:
        failures = 0
        while not self._stopping:
            self._called[job.name].clear()
            begin_request(str(new_id()))
            try:
                busy = await job.work()
                failures = 0
            except Exception as error:  # noqa: BLE001 -- a job outlives any failure; it is logged, counted and tried again
                failures += 1
                busy = False
                JOB_FAILURES.labels(job.name).inc()
                _log.warning("job_failed", job=job.name, failures=failures, error=str(error), kind=type(error).__name__)
            if busy:
                for name in job.wakes:
                    self._called[name].set()
            else:
                wait = min(job.every_seconds * 2**failures, _LONGEST_WAIT_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._called[job.name].wait(), wait)


async def in_turn(items: Iterable[Item], work: Callable[[Item], Awaitable[bool]]) -> bool:
    """Do `work` on each; whether there was anything to do. One that fails does not hold up the others.

    Raises what the first one raised, after the others were done.
    """
    worked, failure = False, None
    for item in items:
        try:
            worked |= await work(item)
        except Exception as error:  # noqa: BLE001 -- raised below
            failure = failure or error
    if failure:
        raise failure
    return worked


async def drain(jobs: Sequence[Job]) -> bool:
    """Run every job until none finds work; whether any did. For tests and commands that want the end of it."""
    worked = False
    while any([await job.work() for job in jobs]):
        worked = True
    return worked
