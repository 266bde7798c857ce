"""Calls that a channel takes so many of a second: each waits for its turn."""

import asyncio
import time
from collections.abc import Callable


class Pace:
    """Lets `per_second` calls through, evenly and by wall time; fewer after one that erred, until one is taken."""

    def __init__(
        self, per_second: float, erring_per_second: float | None = None, *, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause = 1 / per_second
        self._erring_pause = 1 / (erring_per_second or per_second)
        self._erring = False
        self._next = 0.0
        self._wall = wall

    def wait(self) -> float:
        """Take a turn: in how many seconds it comes."""
        now = self._wall()
        turn = max(self._next, now)
        self._next = turn + (self._erring_pause if self._erring else self._pause)
        return turn - now

    async def turn(self) -> None:
        """Wait for a turn."""
        seconds = self.wait()
        if seconds > 0:
            await asyncio.sleep(seconds)

    def heard(self, *, erred: bool) -> None:
        """What became of a call."""
        self._erring = erred
