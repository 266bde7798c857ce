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
# The second goes by a foreign passport, the third by the mother's number: documents make no difference.
NUMBERS = {1: number(1), 2: "C01X00T47", 3: f"{number(9, '19600101')}01"}
DOCUMENTS = {1: ("", "", ""), 2: ("外国护照", "1980-02-03", "女"), 3: ("新生儿", "1980-02-03", "女")}
KINDS = {1: "resident_id", 2: "foreign_passport", 3: "newborn"}
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
class Merged:
    """Two persons turn out to be one: the second answers for both from then on, until it is undone."""

    gone: int
    surviving: int
    at: int
    undone: int | None = None


@dataclass(frozen=True)
class Given:
    """A list as handed over: its kind, its day and number, its rows; when it came, and when it was withdrawn."""

    full: bool
    day: int
    serial: int
    rows: tuple[Said, ...]
    came: int = 0
    gone: int | None = None


def one_with(merges: Sequence[Merged], person: int, known: int) -> set[int]:
    """Everybody who is one with a person after `known` things happened."""
    same = {person}
    for _ in merges:
        for one in merges:
            if one.at <= known and (one.undone is None or known < one.undone) and same & {one.gone, one.surviving}:
                same |= {one.gone, one.surviving}
    return same


def model(lists: Sequence[Given], person: int, as_of: int, known: int, merges: Sequence[Merged] = ()) -> set[Answer]:
    """What is known of a person after `known` things happened: the latest list counts, a full one ends by silence."""
    same = one_with(merges, person, known)
    count = [one for one in lists if one.came <= known and (one.gone is None or known < one.gone)]
    count.sort(key=lambda one: (one.day, one.serial))
    held: dict[int, tuple[int, int | None]] = {}
    for one in count:
        rows = [row for row in one.rows if row.person in same]
        if one.full and not rows:
            for first, (grade, last) in list(held.items()):
                if first <= one.day and (last is None or last >= one.day):
                    held[first] = (grade, one.day - 1)
        held |= {row.first: (row.grade, row.last) for row in reversed(rows)}
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
        self._client = suite.client("eligibility", "eligibility:read eligibility:write")
        self.ids: dict[int, str] = {}

    def clock(self, happened: int) -> datetime:
        return START + timedelta(hours=happened)

    async def hand_over(self, one: Given, happened: int, mark: int = 0) -> dict[str, Any]:
        self._suite.clock.set(self.clock(happened))
        rows = [
            [f"人{row.person}", NUMBERS[row.person], GRADES[row.grade - 1], day(row.first).isoformat(),
             "" if row.last is None else day(row.last).isoformat(), *DOCUMENTS[row.person]]
            for row in one.rows
        ]  # fmt: skip
        data = sheet([*DISABLED, "证件类型", "出生日期", "性别", f"{self.pool}-{one.serial}-{mark}"], *rows)
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

    async def learn_ids(self) -> None:
        """By which id each person is asked about, whatever becomes of it."""
        for person in PEOPLE:
            document = {"type": KINDS[person], "number": NUMBERS[person]}
            found = await self._client.post("/v1/persons/lookup", json={"pool": self.pool, "document": document})
            if found.status_code == 200:
                self.ids.setdefault(person, found.json()["person_id"])

    async def record_all(self) -> None:
        """Everybody is known before the first list, each by a document of another kind."""
        born = {"birth_date": "1980-02-03", "sex": "female"}
        shown = {person: {"type": KINDS[person], "number": NUMBERS[person], **born} for person in PEOPLE}
        items = [
            {"row": person, "name": f"人{person}", "residence": self.pool, "document": shown[person]}
            for person in PEOPLE
        ]
        asked = {"pool": self.pool, "items": items}
        answer = await self._client.post("/v1/persons/resolve", json=asked, headers={"Idempotency-Key": self.pool})
        self.ids = {item["row"]: item["person_id"] for item in answer.json()["items"]}

    async def merge(self, one: Merged) -> dict[str, Any] | None:
        """Have two merged by people; None where they are one already."""
        self._suite.clock.set(self.clock(one.at))
        body = {"pool": self.pool, "merged_id": self.ids[one.gone], "surviving_id": self.ids[one.surviving]}
        answer = await self._client.post(
            "/v1/merges", json={**body, "reason": "核对一致"}, headers={"Idempotency-Key": f"{self.pool}-{one}"}
        )
        if answer.json().get("code") == "merge_moot":
            return None
        return await self._act(answer.json(), "approve")

    async def part(self, merge: dict[str, Any], happened: int) -> None:
        self._suite.clock.set(self.clock(happened))
        merge = await self._act(merge, "dispute", "另一人")
        await self._act(merge, "undo")

    async def _act(self, merge: dict[str, Any], act: str, user: str = "复核人") -> dict[str, Any]:
        client = self._suite.client("eligibility", "eligibility:write eligibility:approve", user=user)
        answer = await client.post(
            f"/v1/merges/{merge['merge_id']}/{act}",
            params={"pool": self.pool},
            json={"reason": "并非同一人"} if act == "dispute" else None,
            headers={"Idempotency-Key": f"{act}-{merge['merge_id']}", "If-Match": f'"{merge["version"]}"'},
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def asks(self, person: int, as_of: int, known: int) -> set[Answer]:
        if person not in self.ids:
            return set()
        answer = await self._client.get(
            f"/v1/persons/{self.ids[person]}/statuses",
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
    await desk.learn_ids()
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
    await desk.learn_ids()
    final = [replace(one, came=0, gone=None) for one in lists]
    for person in PEOPLE:
        for as_of in range(DAYS + 1):
            assert await desk.asks(person, as_of, last) == model(final, person, as_of, last), (person, as_of)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lists=histories(), data=st.data())
async def test_merges_are_part_of_any_history(suite: InProcessSuite, lists: list[Given], data: st.DataObject) -> None:
    """Lists and merges in any order; the last merge may be undone, and every instant answers as it was then."""
    desk = Desk(suite)
    await desk.record_all()
    lists = [replace(one, gone=None) for one in lists]
    pairs = st.sampled_from([Merged(gone, surviving, 0) for gone, surviving in itertools.permutations(PEOPLE, 2)])
    planned = data.draw(st.lists(pairs, min_size=1, max_size=2))
    order: list[Given | Merged] = data.draw(st.permutations([*lists, *planned]))
    merges: list[Merged] = []
    came: list[Given] = []
    made: list[dict[str, Any]] = []
    for happened, one in enumerate(order):
        if isinstance(one, Given):
            came.append(replace(one, came=happened))
            await desk.hand_over(one, happened)
        elif merge := await desk.merge(replace(one, at=happened)):
            merges.append(replace(one, at=happened))
            made.append(merge)
    last = len(order)
    if data.draw(st.booleans()):
        await desk.part(made[-1], last)
        merges[-1] = replace(merges[-1], undone=last)
    suite.clock.set(desk.clock(last + 1))
    for person in PEOPLE:
        for known in range(last + 1):
            as_of = data.draw(st.integers(0, DAYS))
            assert await desk.asks(person, as_of, known) == model(came, person, as_of, known, merges), (person, known)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lists=histories(), data=st.data())
async def test_any_order_of_lists_and_merges_ends_the_same(
    suite: InProcessSuite, lists: list[Given], data: st.DataObject
) -> None:
    """Of one list a person and day stand in one row, also where two persons are one: of two rows in two halves the half
    that came later would count."""
    lists = [replace(one, rows=tuple({row.first: row for row in one.rows}.values())) for one in lists]
    desk = Desk(suite)
    await desk.record_all()
    planned = data.draw(
        st.lists(st.sampled_from([Merged(1, 2, 0), Merged(2, 3, 0), Merged(3, 1, 0)]), max_size=2, unique=True)
    )
    order: list[Given | Merged] = data.draw(
        st.permutations([*(part for one in lists for part in halves(one)), *planned])
    )
    for happened, one in enumerate(order):
        if isinstance(one, Given):
            await desk.hand_over(one, happened, mark=happened)
        else:
            await desk.merge(replace(one, at=happened))
    last = len(order) + 1
    suite.clock.set(desk.clock(last))
    final = [replace(one, came=0, gone=None) for one in lists]
    merges = planned
    for person in PEOPLE:
        for as_of in range(DAYS + 1):
            assert await desk.asks(person, as_of, last) == model(final, person, as_of, last, merges), (person, as_of)
