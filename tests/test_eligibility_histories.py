"""Any history of a department's lists, in any order and splitting, gives the answers of a model of twenty lines."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clock import SHANGHAI
from tests.eligibility_desk import DISABLED, decide, number, sheet, take
from tests.suite import InProcessSuite

START = datetime(2021, 8, 16, 9, tzinfo=SHANGHAI)
FIRST_DAY = date(2021, 8, 1)
GRADES = ("一级", "二级", "三级", "四级")
PEOPLE = (1, 2, 3)
DAYS = 6
POOLS = itertools.count(100001)
"""Every history has a pool of its own, so that one database serves them all."""

Answer = tuple[int, date, date | None]
"""What is held: grade, first and last day."""


@dataclass(frozen=True)
class Said:
    """A row: whom it names, the grade, and the days on which it holds, counted from the first day."""

    person: int
    grade: int
    first: int
    last: int | None


@dataclass(frozen=True)
class Given:
    """A list as handed over: its kind, its day and number, its rows; when it came, and when it was withdrawn."""

    full: bool
    day: int
    serial: int
    rows: tuple[Said, ...]
    came: int = 0
    gone: int | None = None


def model(lists: Sequence[Given], person: int, as_of: int, known: int) -> set[Answer]:
    """What is known of a person after `known` things happened: the latest list counts, a full one ends by silence."""
    count = [one for one in lists if one.came <= known and (one.gone is None or known < one.gone)]
    count.sort(key=lambda one: (one.day, one.serial))
    held: dict[int, tuple[int, int | None]] = {}
    for one in count:
        rows = [row for row in one.rows if row.person == person]
        if one.full and not rows:
            for first, (grade, last) in list(held.items()):
                if first <= one.day and (last is None or last >= one.day):
                    held[first] = (grade, one.day - 1)
        held |= {row.first: (row.grade, row.last) for row in rows}
    return {
        (grade, day(first), None if last is None else day(last))
        for first, (grade, last) in held.items()
        if first <= as_of and (last is None or as_of <= last)
    }


def day(offset: int) -> date:
    return FIRST_DAY + timedelta(days=offset)


@st.composite
def histories(draw: st.DrawFn) -> list[Given]:
    """Lists with numbers of their own, each in the order in which it comes; some are withdrawn later."""
    said = st.builds(
        Said,
        st.sampled_from(PEOPLE),
        st.integers(1, 4),
        st.sampled_from((0, 2, 4)),
        st.none() | st.integers(4, DAYS),
    )
    rows = st.lists(said, max_size=4, unique_by=lambda row: (row.person, row.first)).map(tuple)
    lists = draw(
        st.lists(st.builds(Given, st.booleans(), st.integers(0, DAYS), st.just(0), rows), min_size=1, max_size=5)
    )
    gone = draw(st.none() | st.sampled_from(range(len(lists))))
    return [replace(one, serial=at, came=at, gone=len(lists) if at == gone else None) for at, one in enumerate(lists)]


def halves(one: Given) -> Iterator[Given]:
    """A list of changes in two parts of one day and number; a full one stays whole."""
    at = len(one.rows) // 2
    return iter([one] if one.full else [replace(one, rows=one.rows[:at]), replace(one, rows=one.rows[at:])])


class Desk:
    """Hands lists over in one pool and asks what is known."""

    def __init__(self, suite: InProcessSuite) -> None:
        self._suite = suite
        self.pool = str(next(POOLS))
        self._client = suite.client("eligibility", "eligibility:read")

    def clock(self, happened: int) -> datetime:
        return START + timedelta(hours=happened)

    async def hand_over(self, one: Given, happened: int, mark: int = 0) -> dict[str, Any]:
        self._suite.clock.set(self.clock(happened))
        rows = [
            [f"人{row.person}", number(row.person), GRADES[row.grade - 1], day(row.first).isoformat(),
             "" if row.last is None else day(row.last).isoformat()]
            for row in one.rows
        ]  # fmt: skip
        data = sheet([*DISABLED, f"{self.pool}-{one.serial}-{mark}"], *rows)
        manifest = {"list_day": day(one.day).isoformat(), "serial": str(one.serial)}
        kind = "full" if one.full else "changes"
        feed = await self._taken(data, kind, manifest)
        if feed["state"] == "held":
            answer = await decide(self._suite, feed, "approve")
            feed = {**answer.json(), "version": answer.json()["version"] + 1}
        return feed

    async def _taken(self, data: bytes, kind: str, manifest: dict[str, str]) -> dict[str, Any]:
        return await take(self._suite, "disabled_federation", data, becomes="", pool=self.pool, kind=kind, **manifest)

    async def withdraw(self, feed: dict[str, Any], happened: int) -> None:
        self._suite.clock.set(self.clock(happened))
        answer = await decide(self._suite, feed, "withdraw", reason="错报")
        assert answer.status_code == 200, answer.text

    async def asks(self, person: int, as_of: int, known: int) -> set[Answer]:
        document = {"type": "resident_id", "number": number(person)}
        found = await self._client.post("/v1/persons/lookup", json={"pool": self.pool, "document": document})
        if found.status_code == 404:
            return set()
        answer = await self._client.get(
            f"/v1/persons/{found.json()['person_id']}/statuses",
            params={"pool": self.pool, "as_of": day(as_of).isoformat(), "known_at": self.clock(known).isoformat()},
        )
        (item,) = answer.json()["items"]
        return {
            (one["grade"], date.fromisoformat(one["identified_on"]), _day(one["valid_to"])) for one in item["statuses"]
        }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("eligibility",))
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lists=histories(), data=st.data())
async def test_every_answer_is_that_of_the_model(
    suite: InProcessSuite, lists: list[Given], data: st.DataObject
) -> None:
    desk = Desk(suite)
    feeds = [await desk.hand_over(one, one.came) for one in lists]
    for one, feed in zip(lists, feeds, strict=True):
        if one.gone is not None:
            await desk.withdraw(feed, one.gone)
    for person in PEOPLE:
        for known in range(len(lists) + 1):
            suite.clock.set(desk.clock(len(lists) + 1))
            as_of = data.draw(st.integers(0, DAYS))
            assert await desk.asks(person, as_of, known) == model(lists, person, as_of, known), (person, as_of, known)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lists=histories(), data=st.data())
async def test_any_order_and_splitting_ends_the_same(
    suite: InProcessSuite, lists: list[Given], data: st.DataObject
) -> None:
    desk = Desk(suite)
    parts = data.draw(st.permutations([part for one in lists for part in halves(one)]))
    again = [data.draw(st.sampled_from(parts))]
    for happened, part in enumerate([*parts, *again]):
        await desk.hand_over(part, happened, mark=happened)
    last = len(parts) + 1
    suite.clock.set(desk.clock(last))
    final = [replace(one, came=0, gone=None) for one in lists]
    for person in PEOPLE:
        for as_of in range(DAYS + 1):
            assert await desk.asks(person, as_of, last) == model(final, person, as_of, last), (person, as_of)
