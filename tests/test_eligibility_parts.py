"""Full lists in several files, and full lists that speak for some categories or a region alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.eligibility.usecases.taking import take_feed
from shared.clock import SHANGHAI
from tests.eligibility_desk import ALL, POOL, decide, eligibility_alone, number, person, rows, send, sheet, take
from tests.suite import InProcessSuite
from tests.test_eligibility_histories import POOLS

RELIEF = ["姓名", "身份证号", "救助类别", "认定日期", "终止日期", "户籍地代码"]
EAST, WEST = f"{POOL}108", f"{POOL}109"


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


def relief(*people: tuple[int, str] | tuple[int, str, str], mark: str = "") -> bytes:
    """A list of civil affairs: person, category and, where told, the place."""
    lines = [
        [f"人{who}", number(who), word, "2021-03-01", "", place[0] if place else ""] for who, word, *place in people
    ]
    return sheet([*RELIEF, mark] if mark else RELIEF, *lines)


def part(no: int, of: int, *, day: str = "2021-08-16", name: str = "八月", **more: str) -> dict[str, str]:
    return {"kind": "full", "list_day": day, "list_id": name, "part": str(no), "parts": str(of), **more}


async def held(suite: InProcessSuite, who: int, as_of: str = "2021-08-17") -> set[str]:
    """The categories that a person holds."""
    client = suite.client("eligibility", ALL)
    known = await person(client, number(who))
    answer = await client.get(f"/v1/persons/{known['person_id']}/statuses", params={"pool": POOL, "as_of": as_of})
    return {one["code"] for one in answer.json()["items"][0]["statuses"]}


async def supplier(suite: InProcessSuite) -> dict[str, Any]:
    answer = await suite.client("eligibility", ALL).get("/v1/suppliers/civil_affairs", params={"pool": POOL})
    shown: dict[str, Any] = answer.json()
    return shown


# Parts


async def test_a_list_in_parts_ends_nothing_before_it_is_whole(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 12))), list_day="2021-08-01")
    await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(6, 11))), **part(2, 2))
    assert await held(suite, 11) == {"dibao"}
    assert await held(suite, 1) == {"dibao"}
    stands = await supplier(suite)
    assert stands["wanting"] == [{"list_id": "八月", "list_day": "2021-08-16", "parts": 2, "missing": [1]}]
    assert stands["last_list_day"] == "2021-08-01", "a list that is not whole fulfils nothing"
    closing = await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 6))), **part(1, 2))
    assert (closing["statuses_held"], closing["statuses_ending"]) == (11, 1)
    assert await held(suite, 11) == set()
    assert await held(suite, 1) == await held(suite, 10) == {"dibao"}
    stands = await supplier(suite)
    assert (stands["wanting"], stands["last_list_day"]) == ([], "2021-08-16")


async def test_a_part_that_does_not_come_raises_an_alarm(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief((1, "低保")), **part(1, 3))
    client = suite.client("eligibility", "eligibility:read", area="")

    async def wanting() -> list[str]:
        items = (await client.get("/v1/alarms")).json()["items"]
        return next(item["sample"] for item in items if item["name"] == "list_is_whole")

    suite.set_clock("2021-08-19 08:59")
    assert await wanting() == []
    suite.set_clock("2021-08-19 09:01")
    assert await wanting() == [f"{POOL}/civil_affairs/八月"]
    await take(suite, "civil_affairs", relief((2, "低保")), **part(2, 3))
    await take(suite, "civil_affairs", relief((3, "低保")), **part(3, 3))
    assert await wanting() == []


async def test_a_part_sent_twice_changes_nothing_and_another_file_for_it_is_refused(suite: InProcessSuite) -> None:
    first = await take(suite, "civil_affairs", relief((1, "低保")), **part(1, 2))
    client = suite.client("eligibility", ALL)
    again = await send(client, "civil_affairs", relief((1, "低保")), **part(1, 2))
    assert (again.status_code, again.json()["feed_id"]) == (200, first["feed_id"])
    other = await send(client, "civil_affairs", relief((2, "低保")), **part(1, 2))
    assert (other.status_code, other.json()["code"]) == (409, "part_differs")
    assert [error["code"] for error in other.json()["errors"]] == ["part_taken"]
    same_bytes = await send(client, "civil_affairs", relief((1, "低保")), **part(2, 2))
    assert same_bytes.status_code == 201, "two parts may have the same bytes"


@pytest.mark.parametrize(
    ("manifest", "pointer"),
    [
        (part(2, 3), "?parts"),
        (part(2, 2, day="2021-08-15"), "?list_day"),
        (part(2, 2, serial="1"), "?serial"),
        (part(2, 2, categories="dibao"), "?categories"),
        (part(2, 2, region=EAST), "?region"),
    ],
)
async def test_parts_that_do_not_agree_what_list_it_is_are_refused(
    suite: InProcessSuite, manifest: dict[str, str], pointer: str
) -> None:
    await take(suite, "civil_affairs", relief((1, "低保")), **part(1, 2))
    answer = await send(suite.client("eligibility", ALL), "civil_affairs", relief((2, "低保")), **manifest)
    assert (answer.status_code, answer.json()["code"]) == (409, "part_differs")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"kind": "full", "list_id": "八月", "part": "1"}, "part_incomplete"),
        ({"kind": "full", "part": "1", "parts": "2"}, "part_incomplete"),
        (part(3, 2), "part_impossible"),
        (part(1, 2) | {"kind": "changes"}, "full_only"),
        ({"kind": "changes", "region": EAST}, "full_only"),
        ({"kind": "full", "categories": "disabled"}, "category_unknown"),
        ({"kind": "full", "region": "140523"}, "region_outside"),
    ],
)
async def test_a_manifest_that_cannot_be_meant_is_refused(
    suite: InProcessSuite, manifest: dict[str, str], code: str
) -> None:
    answer = await send(suite.client("eligibility", ALL), "civil_affairs", relief((1, "低保")), **manifest)
    assert (answer.status_code, answer.json()["code"]) == (422, "manifest_differs")
    assert [error["code"] for error in answer.json()["errors"]] == [code]


async def test_the_whole_list_waits_for_a_second_person_who_sent_no_part_of_it(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 5))), list_day="2021-08-01")
    one = await send(suite.client("eligibility", ALL, user="甲"), "civil_affairs", relief((1, "低保")), **part(1, 2))
    assert one.status_code == 201
    closing = await take(suite, "civil_affairs", relief((2, "低保")), becomes="held", **part(2, 2))
    assert (closing["statuses_held"], closing["statuses_ending"]) == (4, 2)
    refused = await decide(suite, closing, "approve", user="甲")
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    assert (await decide(suite, closing, "approve")).status_code == 200
    assert [await held(suite, who) for who in (1, 2, 3, 4)] == [{"dibao"}, {"dibao"}, set(), set()]


async def test_a_part_that_is_withdrawn_opens_the_list_again(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 12))), list_day="2021-08-01")
    wrong = await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 5))), **part(1, 2))
    closing = await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(6, 12))), **part(2, 2))
    assert await held(suite, 5) == set()
    assert (await decide(suite, wrong, "withdraw", reason="漏报一人")).status_code == 200
    assert await held(suite, 5) == {"dibao"}
    assert (await supplier(suite))["wanting"][0]["missing"] == [1]
    right = await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(2, 6))), **part(1, 2))
    assert right["statuses_ending"] == 1
    assert await held(suite, 5) == {"dibao"}
    assert await held(suite, 1) == set()
    ended = await rows(
        suite, "select distinct ended_by from status where ended_by is not null and withdrawn_at is null"
    )
    assert {str(row["ended_by"]) for row in ended} == {right["feed_id"]}, (
        "what ended it is the part that closed the list"
    )
    assert closing["feed_id"] != right["feed_id"]


async def test_a_held_list_steps_back_when_a_part_of_it_is_withdrawn(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 5))), list_day="2021-08-01")
    one = await take(suite, "civil_affairs", relief((1, "低保")), **part(1, 2))
    closing = await take(suite, "civil_affairs", relief((2, "低保")), becomes="held", **part(2, 2))
    assert (await decide(suite, one, "withdraw", reason="错报")).status_code == 200
    answer = await suite.client("eligibility", ALL).get(f"/v1/feeds/{closing['feed_id']}", params={"pool": POOL})
    assert answer.json()["state"] == "taken"
    late = await decide(suite, answer.json(), "approve")
    assert (late.status_code, late.json()["code"]) == (409, "feed_not_in_state")
    assert [await held(suite, who) for who in (1, 2, 3, 4)] == [{"dibao"}] * 4


async def test_the_last_two_parts_judged_at_once_close_the_list_once(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief(*((who, "低保") for who in range(1, 12))), list_day="2021-08-01")
    client = suite.client("eligibility", ALL)
    for no, people in ((1, range(1, 6)), (2, range(6, 11))):
        sent = await send(client, "civil_affairs", relief(*((who, "低保") for who in people)), **part(no, 2))
        assert sent.status_code == 201
    service = suite.apps["eligibility"].state.service
    waiting = await rows(suite, "select * from feed where state = 'received'")
    feeds = [{**row, "categories": row["scope_categories"], "region": row["scope_region"]} for row in waiting]
    await asyncio.gather(*(take_feed(service, feed) for feed in feeds))
    await suite.settle_down()
    assert len(await rows(suite, "select 1 from feed where closing and list_id is not null")) == 1
    assert await held(suite, 11) == set()
    assert await held(suite, 10) == {"dibao"}


# For what a list speaks


async def test_silence_ends_only_the_categories_the_list_speaks_for(suite: InProcessSuite) -> None:
    everybody = [*((who, "低保") for who in range(1, 12)), *((who, "特困") for who in range(1, 12))]
    await take(suite, "civil_affairs", relief(*everybody), list_day="2021-08-01")
    named = relief(*((who, "低保") for who in range(2, 12)))
    closing = await take(suite, "civil_affairs", named, kind="full", list_day="2021-08-16", categories="dibao")
    assert (closing["categories"], closing["statuses_held"], closing["statuses_ending"]) == (["dibao"], 11, 1)
    assert await held(suite, 1) == {"destitute"}
    assert await held(suite, 2) == {"dibao", "destitute"}


async def test_silence_ends_only_the_region_the_list_speaks_for(suite: InProcessSuite) -> None:
    east = [(who, "低保", f"{EAST}200") for who in range(1, 12)]
    await take(suite, "civil_affairs", relief(*east, (12, "低保", WEST), (13, "低保")), list_day="2021-08-01")
    named = relief(*((who, "低保") for who in range(2, 12)))
    closing = await take(suite, "civil_affairs", named, kind="full", list_day="2021-08-16", region=EAST)
    assert (closing["region"], closing["statuses_held"], closing["statuses_ending"]) == (EAST, 11, 1)
    assert await held(suite, 1) == set()
    assert await held(suite, 12) == {"dibao"}, "of another region"
    assert await held(suite, 13) == {"dibao"}, "whom no list has placed"


async def test_rows_beyond_what_the_list_speaks_for_go_back(suite: InProcessSuite) -> None:
    data = relief((1, "低保"), (2, "特困"), (3, "低保", f"{WEST}200"), (4, "低保", f"{EAST}200"))
    scope = {"categories": "dibao", "region": EAST}
    feed = await take(suite, "civil_affairs", data, kind="full", list_day="2021-08-16", **scope)
    assert (feed["rows_accepted"], feed["rows_rejected"]) == (2, 2)
    back = await suite.client("eligibility", ALL).get(f"/v1/feeds/{feed['feed_id']}/rejected", params={"pool": POOL})
    assert "不属于名单所报的身份类别" in back.text
    assert f"“{WEST}200”不在名单所报地区{EAST}内" in back.text


async def test_the_same_file_for_another_day_is_another_list(suite: InProcessSuite) -> None:
    data = relief((1, "低保"))
    first = await take(suite, "civil_affairs", data, kind="full", list_day="2021-08-01")
    again = await send(suite.client("eligibility", ALL), "civil_affairs", data, kind="full", list_day="2021-08-01")
    assert (again.status_code, again.json()["feed_id"]) == (200, first["feed_id"])
    later = await take(suite, "civil_affairs", data, kind="full", list_day="2021-08-16")
    assert later["feed_id"] != first["feed_id"]
    assert (await supplier(suite))["last_list_day"] == "2021-08-16"


@pytest.mark.parametrize(
    ("first", "then", "pointer"),
    [
        ({}, {"kind": "full"}, "?kind"),
        ({"kind": "full", "categories": "dibao"}, {"kind": "full"}, "?categories"),
        ({"kind": "full"}, {"kind": "full", "region": EAST}, "?region"),
        ({}, {"serial": "2"}, "?serial"),
        (part(1, 2), part(1, 3), "?parts"),
    ],
)
async def test_the_same_file_with_another_meaning_is_not_passed_over_in_silence(
    suite: InProcessSuite, first: dict[str, str], then: dict[str, str], pointer: str
) -> None:
    data = relief((1, "低保", f"{EAST}200"))
    feed = await take(suite, "civil_affairs", data, **first)
    answer = await send(suite.client("eligibility", ALL), "civil_affairs", data, **then)
    assert (answer.status_code, answer.json()["code"]) == (422, "manifest_differs")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, "said_otherwise")
    assert feed["feed_id"] in error["detail"]
    await decide(suite, feed, "withdraw", reason="报错种类")
    await take(suite, "civil_affairs", data, becomes="", **then)


# Any order and splitting


START = datetime(2021, 8, 20, 9, tzinfo=SHANGHAI)
FIRST_DAY = date(2021, 8, 1)
WORDS = {"dibao": "低保", "destitute": "特困"}
PEOPLE, DAYS = (1, 2, 3), 6


@dataclass(frozen=True)
class Said:
    """A row: who holds what from which day to which, and in which half of the pool the list places the person."""

    person: int
    code: str
    first: int
    last: int | None
    place: str


@dataclass(frozen=True)
class Piece:
    """A file: of which list, which of its parts, with what rows, and when it came (None: never)."""

    order: int
    of: int
    rows: tuple[Said, ...]
    came: int | None = None


@dataclass(frozen=True)
class Given:
    """A list with its day and for what it speaks ("": for everything), in files."""

    full: bool
    day: int
    code: str
    place: str
    pieces: tuple[Piece, ...]


def model(lists: Sequence[Given], who: int, known: int) -> dict[tuple[str, int], int | None]:
    """What is held after `known` files came: (category, first day) → last day. A full list that is whole ends by
    silence, the latest row counts."""
    spoken: dict[tuple[str, int], tuple[int | None, str]] = {}
    for one in sorted(lists, key=lambda one: (one.day, lists.index(one))):
        here = [piece for piece in one.pieces if piece.came is not None and piece.came <= known]
        said = [row for piece in here for row in piece.rows if row.person == who]
        if one.full and len(here) == len(one.pieces):
            for (code, first), (last, place) in list(spoken.items()):
                speaks = one.code in ("", code) and one.place in ("", place)
                named = any(row.code == code for row in said)
                if speaks and not named and first <= one.day and (last is None or last >= one.day):
                    spoken[code, first] = (one.day - 1, place)
        spoken |= {(row.code, row.first): (row.last, row.place or one.place) for row in said}
    return {key: last for key, (last, _) in spoken.items() if last is None or last >= key[1]}


@st.composite
def histories(draw: st.DrawFn) -> list[Given]:
    lists = []
    for order in range(draw(st.integers(1, 3))):
        full = draw(st.booleans())
        code = draw(st.sampled_from(("", "", *WORDS))) if full else ""
        place = draw(st.sampled_from(("", "", "东", "西"))) if full else ""
        said = st.builds(
            Said,
            st.sampled_from(PEOPLE),
            st.sampled_from([code] if code else [*WORDS]),
            st.sampled_from((0, 2)),
            st.none() | st.integers(3, DAYS),
            st.sampled_from(("", place) if place else ("", "东", "西")),
        )
        chosen = draw(st.lists(said, max_size=4, unique_by=lambda row: (row.person, row.code, row.first)))
        cut = sorted(draw(st.lists(st.integers(0, len(chosen)), max_size=2)))
        edges = [0, *cut, len(chosen)]
        pieces = [Piece(order, len(edges) - 1, tuple(chosen[begin:end])) for begin, end in pairwise(edges)]
        lists.append(Given(full, draw(st.integers(0, DAYS)), code, place, tuple(pieces)))
    return lists


class Desk:
    """Hands files over in a pool of its own."""

    def __init__(self, suite: InProcessSuite) -> None:
        self._suite = suite
        self._pool = str(next(POOLS))
        self._client = suite.client("eligibility", ALL)
        self._ids: dict[int, str] = {}

    def clock(self, happened: int) -> datetime:
        return START + timedelta(hours=happened)

    async def hand_over(self, one: Given, order: int, at: int, happened: int) -> dict[str, Any]:
        self._suite.clock.set(self.clock(happened))
        lines = [
            [f"人{row.person}", number(row.person), WORDS[row.code], _day(row.first), "" if row.last is None else
             _day(row.last), self._place(row.place)]
            for row in one.pieces[at].rows
        ]  # fmt: skip
        manifest = {"kind": "full" if one.full else "changes", "list_day": _day(one.day), "serial": str(order)}
        if one.full:
            scope = {"categories": one.code, "region": self._place(one.place)}
            manifest |= {name: value for name, value in scope.items() if value}
        if one.full and len(one.pieces) > 1:
            manifest |= {"list_id": str(order), "part": str(at + 1), "parts": str(len(one.pieces))}
        data = sheet([*RELIEF, f"{order}-{at}"], *lines)
        feed = await take(self._suite, "civil_affairs", data, becomes="", pool=self._pool, **manifest)
        if feed["state"] == "held":
            answer = await decide(self._suite, feed, "approve")
            feed = {**answer.json(), "version": answer.json()["version"] + 1}
        return feed

    async def withdraw(self, feed: dict[str, Any], happened: int) -> None:
        self._suite.clock.set(self.clock(happened))
        url = f"/v1/feeds/{feed['feed_id']}"
        stands = (await self._client.get(url, params={"pool": self._pool})).json()
        assert (await decide(self._suite, stands, "withdraw", reason="错报")).status_code == 200

    async def asks(self, who: int, known: int) -> dict[tuple[str, int], int | None]:
        if who not in self._ids:
            document = {"type": "resident_id", "number": number(who)}
            found = await self._client.post("/v1/persons/lookup", json={"pool": self._pool, "document": document})
            if found.status_code == 404:
                return {}
            self._ids[who] = found.json()["person_id"]
        asked = {"pool": self._pool, "person_ids": [self._ids[who]], "every_day": True}
        answer = await self._client.post(
            "/v1/statuses/query", json={**asked, "known_at": self.clock(known).isoformat()}
        )
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["items"]
        return {
            (one["code"], _offset(one["identified_on"])): _offset(one["valid_to"]) if one["valid_to"] else None
            for one in item["statuses"]
        }

    def _place(self, place: str) -> str:
        return {"": "", "东": f"{self._pool}101", "西": f"{self._pool}102"}[place]


def _day(offset: int) -> str:
    return (FIRST_DAY + timedelta(days=offset)).isoformat()


def _offset(text: str) -> int:
    return (date.fromisoformat(text) - FIRST_DAY).days


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lists=histories(), data=st.data())
async def test_files_in_any_order_answer_like_the_model_at_every_instant(
    suite: InProcessSuite, lists: list[Given], data: st.DataObject
) -> None:
    """Every file comes at some time, one of them twice; in the end one is withdrawn and may come again."""
    desk = Desk(suite)
    files = [(order, at) for order, one in enumerate(lists) for at in range(len(one.pieces))]
    coming = data.draw(st.permutations(files))
    feeds = {}
    for happened, (order, at) in enumerate(coming):
        feeds[order, at] = await desk.hand_over(lists[order], order, at, happened)
        lists[order] = _came(lists[order], at, happened)
    told = len(files)
    suite.clock.set(desk.clock(told + 3))
    for who in PEOPLE:
        for known in range(told):
            assert await desk.asks(who, known) == model(lists, who, known), (who, known)
    gone = data.draw(st.sampled_from(files))
    await desk.withdraw(feeds[gone], told)
    without = [_came(one, gone[1], None) if order == gone[0] else one for order, one in enumerate(lists)]
    again = data.draw(st.booleans())
    if again:
        await desk.hand_over(lists[gone[0]], *gone, told + 1)
    suite.clock.set(desk.clock(told + 3))
    for who in PEOPLE:
        assert await desk.asks(who, told) == model(without, who, told), who
        if again:
            assert await desk.asks(who, told + 1) == model(lists, who, told + 1), who


def _came(one: Given, at: int, happened: int | None) -> Given:
    pieces = list(one.pieces)
    pieces[at] = replace(pieces[at], came=happened)
    return replace(one, pieces=tuple(pieces))


# Overdue and stale suppliers


@pytest.mark.parametrize(
    ("first_due_on", "every_months", "list_day", "late_from"),
    [
        ("2021-08-20", None, None, "2021-08-21 00:00"),
        ("2021-08-20", None, "2021-08-16", None),
        ("2021-08-31", 1, "2021-08-16", "2021-10-01 00:00"),
        ("2021-07-31", 1, "2021-08-16", "2021-10-01 00:00"),
        ("2021-05-10", 3, "2021-08-10", "2021-11-11 00:00"),
    ],
)
async def test_a_late_list_raises_an_alarm_on_the_day_after_it_was_due(
    suite: InProcessSuite, first_due_on: str, every_months: int | None, list_day: str | None, late_from: str | None
) -> None:
    if list_day:
        await take(suite, "civil_affairs", relief((1, "低保")), list_day=list_day)
    agreement = {
        "contact": "救助股",
        "first_due_on": first_due_on,
        "every_months": every_months,
        "stale_after_days": 62,
    }
    await agree(suite, agreement)
    for instant in ("2021-08-20 23:59", "2021-08-21 00:00", "2021-09-30 23:59", "2021-10-01 00:00", "2021-11-11 00:00"):
        suite.set_clock(instant)
        late = late_from is not None and instant >= late_from
        assert await alarmed(suite, "supplier_hands_over_in_time") == late, instant
        assert (await supplier(suite))["overdue"] == late, instant


async def test_a_list_that_is_too_old_to_rely_upon_raises_an_alarm(suite: InProcessSuite) -> None:
    await take(suite, "civil_affairs", relief((1, "低保")), list_day="2021-08-16")
    await agree(suite, {"stale_after_days": 10})
    for instant, stale in (("2021-08-26 23:59", False), ("2021-08-27 00:00", True)):
        suite.set_clock(instant)
        assert await alarmed(suite, "supplier_is_not_stale") == stale, instant
        assert (await supplier(suite))["stale"] == stale, instant


async def agree(suite: InProcessSuite, agreement: dict[str, Any]) -> None:
    client = suite.client("eligibility", ALL)
    url, stands = "/v1/suppliers/civil_affairs", await supplier(suite)
    answer = await client.put(
        url, params={"pool": POOL}, json=agreement, headers={"If-Match": f'"{stands["version"]}"'}
    )
    assert answer.status_code == 200, answer.text


async def alarmed(suite: InProcessSuite, name: str) -> bool:
    answer = await suite.client("eligibility", "eligibility:read", area="").get("/v1/alarms")
    (found,) = [item["found"] for item in answer.json()["items"] if item["name"] == name]
    return bool(found)
