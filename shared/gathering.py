"""Group commit: requests that come while a transaction commits make up the next transaction together.

    request ─┐
    request ─┼─ submit(item) ─► one commit of many ─► each request has its own answer, after the commit
    request ─┘

Nobody waits for company: a request that finds its lane idle is committed at once and alone, so that low load costs
nothing, and under load a group is whatever came during the group before. Whatever shares a mark (an idempotency key, a
bill) is never in one group and keeps its order.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from .metrics import GROUP_SIZE

Item = TypeVar("Item")
Done = TypeVar("Done")

Commit = Callable[[Sequence[Item]], Awaitable[Sequence[Done | Exception]]]
"""Commits items all or nothing and answers them in their order: what became of each, or the exception that it gets."""

_log = structlog.get_logger()


class Gatherer:
    """Gathers items lane by lane, and has the groups of a lane committed one after another."""

    def __init__(self, *, most: int = 200, patience_seconds: float = 10) -> None:
        self._most = most
        self._patience_seconds = patience_seconds
        self._lanes: dict[Hashable, _Lane[Any, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(
        self, name: str, pool: str, item: Item, marks: Collection[Hashable], commit: Commit[Item, Done]
    ) -> Done:
        """What became of `item`, once it is committed with others of its name and pool. Raises what is its answer.

        Where a group fails as a whole, its items are committed one by one, so that a bad one harms no other; where the
        database is away, all of them are told so, and where it lets one after another wait (a lock that all of them
        need is in other hands), those that are left when `patience_seconds` are over. Who stops waiting changes
        nothing: the item is committed all the same, as if its answer was lost on the line.
        """
        entry = _Entry[Item, Done](item, frozenset(marks), asyncio.get_running_loop().create_future())
        if (name, pool) in self._lanes:
            self._lanes[name, pool].waiting.append(entry)
        else:
            self._lanes[name, pool] = _Lane(name, commit, deque([entry]), self._patience_seconds)
            # A context of its own: the group belongs to no single request.
            task = asyncio.create_task(self._run((name, pool)), name=f"gather_{name}", context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await entry.answer

    async def _run(self, key: Hashable) -> None:
        lane = self._lanes[key]
        try:
            while lane.waiting:
                lane.taken = lane.next_group(self._most)
                await lane.settle(lane.taken)
        finally:
            # Cut off in the middle, as where the process ends: whoever waits is told, and the next one begins anew.
            del self._lanes[key]
            lane.give_up()


@dataclass(frozen=True)
class _Entry(Generic[Item, Done]):
    item: Item
    marks: frozenset[Hashable]
    answer: asyncio.Future[Done]


@dataclass
class _Lane(Generic[Item, Done]):
    name: str
    commit: Commit[Item, Done]
    waiting: deque[_Entry[Item, Done]]
    patience_seconds: float
    taken: list[_Entry[Item, Done]] = field(default_factory=list)

    def next_group(self, most: int) -> list[_Entry[Item, Done]]:
        """The longest-waiting items of which no two share a mark; behind one that stays, its marks stay, too."""
        group: list[_Entry[Item, Done]] = []
        left: list[_Entry[Item, Done]] = []
        taken: set[Hashable] = set()
        while self.waiting and len(group) < most:
            entry = self.waiting.popleft()
            (left if entry.marks & taken else group).append(entry)
            taken |= entry.marks
        self.waiting.extendleft(reversed(left))
        return group

    def give_up(self) -> None:
        """Leave nobody waiting: what became of them is not known, and they may ask again."""
        for entry in (*self.taken, *self.waiting):
            if not entry.answer.done():
                entry.answer.set_exception(ConnectionError("the group was cut off"))

    async def settle(self, group: Sequence[_Entry[Item, Done]]) -> None:
        """Commit a group and answer everybody in it."""
        GROUP_SIZE.labels(self.name).observe(len(group))
        answers: Sequence[Done | Exception]
        try:
            answers = await self.commit([entry.item for entry in group])
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the answer of somebody who waits
            if len(group) > 1 and not _is_away(error):
                _log.warning("group_broken_up", group=self.name, size=len(group), error=repr(error))
                await self._settle_one_by_one(group)
                return
            answers = [error] * len(group)
        for entry, answer in zip(group, answers, strict=True):
            if entry.answer.done():
                continue  # nobody waits any more
            if isinstance(answer, Exception):
                entry.answer.set_exception(answer)
            else:
                entry.answer.set_result(answer)

    async def _settle_one_by_one(self, group: Sequence[_Entry[Item, Done]]) -> None:
        begun = time.monotonic()
        for entry in group:
            if time.monotonic() - begun < self.patience_seconds:
                await self.settle([entry])
            elif not entry.answer.done():
                entry.answer.set_exception(TimeoutError("the database lets one after another wait"))


def _is_away(error: Exception) -> bool:
    """Whether the database cannot be asked at all: asking again for each item would only make everybody wait."""
    return isinstance(error, OSError | PoolExhausted) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
