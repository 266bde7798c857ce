"""重复参保: found whichever came first, the enrolment or the list, and judged by the national order of preference."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.formats.preferences import preferences, read_preferences
from services.registration.rules import GivenStatus, Held, OwnCover, Span, duplicates
from services.registration.usecases import learn_payments
from shared.codes import Status
from shared.events import Event
from shared.ids import new_id
from tests.registration_town import AGENCY, OFFICER, PLACE, POOL, SCHEME, hand_in_feed, keyed, number, town_alone
from tests.suite import InProcessSuite

HERE, AWAY = "140522108200", "140581001001"
YEAR = Span(date(2031, 1, 1), date(2031, 12, 31))
EMPLOYED, ELSEWHERE, STUDENT = Status.EMPLOYEE_INSURED, Status.INSURED_ELSEWHERE, Status.STUDENT
EMPLOYER = ["姓名", "身份证号", "参保起始日期", "参保终止日期"]
OTHER_AREA = ["姓名", "身份证号", "参保地代码", "参保起始日期", "参保终止日期"]


def held(code: Status, since: str, until: str | None = None, school: str | None = None) -> Held:
    return Held(
        GivenStatus(code, None, date.fromisoformat(since), school), date.fromisoformat(until) if until else None
    )


CASES: list[tuple[str, list[Held], str, bool, str | None]] = [
    ("employed for years", [held(EMPLOYED, "2028-01-01")], HERE, False, "employed_a_year"),
    ("employed for a year to the day", [held(EMPLOYED, "2030-01-01")], HERE, False, "employed_a_year"),
    ("a day less than a year", [held(EMPLOYED, "2030-01-02")], HERE, False, "employed_shortly"),
    (
        "two spans without a break",
        [held(EMPLOYED, "2029-01-01", "2030-08-31"), held(EMPLOYED, "2030-09-01")],
        *(HERE, False, "employed_a_year"),
    ),
    (
        "two spans with a day between",
        [held(EMPLOYED, "2029-01-01", "2030-08-30"), held(EMPLOYED, "2030-09-01")],
        *(HERE, False, "employed_shortly"),
    ),
    ("employed from the last day on", [held(EMPLOYED, "2031-12-31")], HERE, False, "employed_shortly"),
    ("employed until the day before", [held(EMPLOYED, "2028-01-01", "2030-12-31")], HERE, False, None),
    ("employed from the day after", [held(EMPLOYED, "2032-01-01")], HERE, False, None),
    ("lives here", [held(ELSEWHERE, "2030-01-01")], HERE, False, "lives_here"),
    ("lives elsewhere", [held(ELSEWHERE, "2030-01-01")], AWAY, False, "lives_elsewhere"),
    ("subsidised here", [held(ELSEWHERE, "2030-01-01")], HERE, True, "subsidised_here"),
    (
        "a student of a school here",
        [held(ELSEWHERE, "2030-01-01"), held(STUDENT, "2029-09-01", None, HERE)],
        *(AWAY, True, "student_at_school"),
    ),
    (
        "a student of a school elsewhere",
        [held(ELSEWHERE, "2030-01-01"), held(STUDENT, "2029-09-01", None, AWAY)],
        *(HERE, False, "student_elsewhere"),
    ),
    ("helped, not covered", [held(Status.DIBAO, "2030-01-01")], HERE, True, None),
]


@pytest.mark.parametrize(("known", "residence", "subsidised", "entry"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_the_order_of_preference(known: list[Held], residence: str, subsidised: bool, entry: str | None) -> None:
    own = OwnCover(POOL, YEAR, residence, subsidised)
    found = [one.preference.code for one in duplicates(preferences(), own, known)]
    assert found[-1:] == ([entry] if entry else [])


days = st.dates(date(2028, 1, 1), date(2033, 12, 31))


@given(since=days, length=st.none() | st.integers(0, 900), code=st.sampled_from((EMPLOYED, ELSEWHERE)))
def test_the_doubled_days_are_the_days_of_both(since: date, length: int | None, code: Status) -> None:
    until = None if length is None else since + timedelta(days=length)
    other = Held(GivenStatus(code, None, since, None), until)
    both = [
        day
        for day in (YEAR.starts_on + timedelta(days=n) for n in range(365))
        if since <= day and (until is None or day <= until)
    ]
    found = [one.days for one in duplicates(preferences(), OwnCover(POOL, YEAR, HERE, False), [other])]
    assert found == ([Span(both[0], both[-1])] if both else [])


@pytest.mark.parametrize(
    "order",
    [
        "[]",
        "[{code: a, conditions: {other: employee_insured}, keep: here, why: x}]",
        "[{code: a, conditions: {}, keep: nowhere, why: x}]",
        "[{code: a, conditions: {other: dibao}, keep: here, why: x}]",
        "[{code: a, conditions: {}, keep: here, why: x}, {code: b, conditions: {student: here}, keep: here, why: x}]",
    ],
)
def test_an_order_that_is_silent_or_says_too_much_is_refused(order: str) -> None:
    with pytest.raises(ValueError, match=r"last entry|validation error"):
        read_preferences(order.encode())


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with town_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", OFFICER)


async def covered(suite: InProcessSuite, client: httpx.AsyncClient, order: int) -> dict[str, Any]:
    """Somebody who has enrolled and paid; payments is not here."""
    document = {"number": number(order)}
    person = {"name": f"人{order}", "document": document, "hukou": PLACE, "residence": PLACE}
    asked = {"pool": POOL, "scheme": SCHEME, "unit_code": AGENCY, "enrolment": "renewal", "person": person}
    answer = await client.post("/v1/enrolments", json=asked, headers=keyed())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    data = {"person_id": made["person_id"], "scheme": SCHEME, "bill_no": str(new_id()),
            "assessment_id": made["assessment"]["assessment_id"],
            "amount_fen": made["assessment"]["payable_fen"], "paid_on": "2021-09-03"}  # fmt: skip
    async with suite.apps["registration"].state.database.writing() as tx:
        at = datetime(2021, 9, 3, 2, tzinfo=UTC)
        await learn_payments(tx, POOL, [Event(POOL, order, "bill.paid", data["bill_no"], 2, at, data)])
    return made


async def listed(client: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    answer = await client.get("/v1/duplicate-cover", params={"pool": POOL, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_found_whichever_came_first(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    before = ["人1", number(1), "140581", "2020-01-01", ""]
    await hand_in_feed(suite, "education", ["姓名", "身份证号", "学校所在地代码", "入学日期"],
                       ["人1", number(1), "140522108000", "2020-09-01"])  # fmt: skip
    first = await covered(suite, client, 1)
    second = await covered(suite, client, 3)
    await covered(suite, client, 5)
    assert (await listed(client))["items"] == []
    suite.set_clock("2022-03-01 09:00")
    await hand_in_feed(suite, "other_area_insurance", OTHER_AREA, before)
    await hand_in_feed(suite, "employee_insurance", EMPLOYER, ["人3", number(3), "2020-01-01", "2022-02-28"])
    found = await listed(client)
    assert [
        (one["enrolment_id"], one["other"]["kind"], one["keep"], one["preference"], one["days"])
        for one in found["items"]
    ] == [
        (first["enrolment"]["enrolment_id"], "insured_elsewhere", "here", "student_at_school",
         {"from": "2022-01-01", "to": "2022-12-31"}),
        (second["enrolment"]["enrolment_id"], "employee_insured", "other", "employed_a_year",
         {"from": "2022-01-01", "to": "2022-02-28"}),
    ]  # fmt: skip
    pages, after = [], ""
    while True:
        page = await listed(client, limit="1", **({"after": after} if after else {}))
        pages.append(len(page["items"]))
        if page["next"] is None:
            break
        after = page["next"]
    assert pages == [1, 1, 0], "a page may be empty where nothing is doubled"


async def test_only_whose_unit_lies_in_the_area(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await covered(suite, client, 3)
    suite.set_clock("2022-03-01 09:00")
    await hand_in_feed(suite, "employee_insurance", EMPLOYER, ["人3", number(3), "2020-01-01", ""])
    assert len((await listed(client))["items"]) == 1
    clerk = suite.client("registration", OFFICER, area="140522109")
    assert (await listed(clerk))["items"] == []
    stranger = suite.client("registration", OFFICER, area="140581")
    assert (await stranger.get("/v1/duplicate-cover", params={"pool": POOL})).status_code == 403


async def test_a_residence_permit_of_the_register_counts_on_its_days(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    permits = ["姓名", "身份证号", "签发日期", "有效期至"]
    await hand_in_feed(suite, "residence_permits", permits, ["人7", number(7), "2020-09-04", "2021-09-03"],
                       ["人9", number(9), "2020-09-04", "2021-09-02"])  # fmt: skip
    for order in (7, 9):
        await covered(suite, client, order)
    async with suite.apps["registration"].state.database.reading() as tx:
        rows = await tx.rows("select facts -> 'residence_permit' as permit, facts -> 'statuses' as statuses "
                             "from enrolment order by enrolled_at, enrolment_id")  # fmt: skip
    assert [row["permit"] for row in rows] == [True, False], "the last day counts, the day after does not"
