"""Jobs take their turns, and need not wait for them where another has made work for them."""

import asyncio

from shared.jobs import Job, JobRunner


class Work:
    """Work that says for how many turns there was something to do."""

    def __init__(self, busy: int = 0) -> None:
        self.turns = 0
        self.done = asyncio.Event()
        self._busy = busy

    async def __call__(self) -> bool:
        """One turn."""
        self.turns += 1
        if self.turns > 1:
            self.done.set()
        return self.turns <= self._busy


async def test_a_job_that_is_woken_does_not_wait_for_its_turn() -> None:
    look, other = Work(), Work()
    started = asyncio.Event()

    async def take() -> bool:
        if started.is_set():
            return False
        await asyncio.sleep(0)  # the others have had their first turn, and wait
        started.set()
        return True

    runner = JobRunner([Job("look", 60, look), Job("other", 60, other), Job("take", 60, take, wakes=("look",))])
    runner.start()
    await asyncio.wait_for(look.done.wait(), 5)
    await asyncio.wait_for(runner.stop(), 5)
    assert (look.turns, other.turns) == (2, 1)


async def test_a_job_that_is_busy_goes_on_at_once_and_stops_when_it_is_told() -> None:
    busy = Work(busy=3)
    runner = JobRunner([Job("busy", 60, busy)])
    runner.start()
    await asyncio.wait_for(busy.done.wait(), 5)
    await asyncio.sleep(0)
    await asyncio.wait_for(runner.stop(), 5)
    assert 2 <= busy.turns <= 4
