"""Documents of every kind: what their numbers must be, whom they find, and several of one person."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from services.eligibility.rules.documents import (
    DocumentKind,
    Holder,
    Shown,
    document_key,
    old_form,
    read_document,
)
from tests.eligibility_desk import ALL, POOL, VETERANS, eligibility_alone, number, person, rows, sheet, take
from tests.suite import InProcessSuite

TODAY = date(2021, 8, 16)
BORN = date(1985, 5, 6)
RESIDENT, PERMIT, CARD, PASSPORT, FOREIGN, NEWBORN = DocumentKind
MOTHER = number(2, "19900101")

GOOD = [
    (Shown("11010519491231002X"), RESIDENT, "11010519491231002X", date(1949, 12, 31), "female"),
    (Shown(" １１０１０５19491231002x "), RESIDENT, "11010519491231002X", date(1949, 12, 31), "female"),
    (Shown("810000199408230021"), PERMIT, "810000199408230021", date(1994, 8, 23), "female"),
    (Shown("830000199201300022", PERMIT), PERMIT, "830000199201300022", date(1992, 1, 30), "female"),
    (Shown("911124198108030024", CARD), CARD, "911124198108030024", date(1981, 8, 3), "female"),
    (Shown("911124198108030024"), CARD, "911124198108030024", date(1981, 8, 3), "female"),
    (Shown("deu310085050601", CARD, BORN, "male"), CARD, "DEU310085050601", BORN, "male"),
    (Shown("E1234 5678", PASSPORT, BORN, "male"), PASSPORT, "E12345678", BORN, "male"),
    (Shown("ea1234567", PASSPORT, BORN, "female"), PASSPORT, "EA1234567", BORN, "female"),
    (Shown("C01X00T47", FOREIGN, BORN, "female"), FOREIGN, "C01X00T47", BORN, "female"),
    (Shown(f"{MOTHER}01", NEWBORN, TODAY, "male"), NEWBORN, f"{MOTHER}01", TODAY, "male"),
    (Shown("990101198001010019"), RESIDENT, "990101198001010019", date(1980, 1, 1), "male"),
]
BAD = [
    (Shown(""), "identity_number_missing"),
    (Shown("110105194912310021"), "identity_number_invalid"),
    (Shown("110105490231002"), "identity_number_invalid"),
    (Shown("11010519490231002" + ric.calc_check_digit("110105194902310020")), "identity_number_invalid"),
    (Shown(number(1, "20220101")), "identity_number_invalid"),
    (Shown("810000199408230022"), "identity_number_invalid"),
    (Shown("11010519491231002X", PERMIT), "identity_number_invalid"),
    (Shown("911124198108030025", CARD), "identity_number_invalid"),
    (Shown("DE310085050601", CARD, BORN, "male"), "identity_number_invalid"),
    (Shown("E1234567", PASSPORT, BORN, "male"), "identity_number_invalid"),
    (Shown("E12345678", PASSPORT, None, "male"), "birth_date_missing"),
    (Shown("E12345678", PASSPORT, BORN), "sex_missing"),
    (Shown("E12345678", PASSPORT, date(2021, 8, 17), "male"), "date_invalid"),
    (Shown("ABCDEF", FOREIGN, BORN, "male"), "identity_number_invalid"),
    (Shown(f"{MOTHER}00", NEWBORN, TODAY, "male"), "identity_number_invalid"),
    (Shown(f"{MOTHER}1", NEWBORN, TODAY, "male"), "identity_number_invalid"),
    (Shown(f"{MOTHER}01", NEWBORN, date(1990, 1, 1), "male"), "date_invalid"),
    (Shown(f"{MOTHER}01", NEWBORN), "birth_date_missing"),
]


@pytest.mark.parametrize(("shown", "kind", "text", "birth", "sex"), GOOD)
def test_a_good_document(shown: Shown, kind: DocumentKind, text: str, birth: date, sex: str) -> None:
    if text == "990101198001010019":
        shown = Shown(text[:17] + ric.calc_check_digit(text))
        text = shown.number
    assert read_document(shown, TODAY) == Holder(kind, text, birth, sex)  # type: ignore[arg-type]
    assert document_key(shown) == (kind, text)


@pytest.mark.parametrize(("shown", "code"), BAD)
def test_a_document_that_is_not_good(shown: Shown, code: str) -> None:
    fault = read_document(shown, TODAY)
    assert not isinstance(fault, Holder)
    assert fault.code == code
    assert fault.detail


@given(birth=st.dates(date(1900, 1, 1), date(1999, 12, 31)), order=st.integers(0, 999))
def test_the_old_form_and_the_new_are_one(birth: date, order: int) -> None:
    modern = number(order, f"{birth:%Y%m%d}")
    old = modern[:6] + modern[8:17]
    assert old_form(old) == modern
    assert old_form(modern) is None
    assert document_key(Shown(old)) == document_key(Shown(modern.lower()))


@given(st.text(max_size=22), st.sampled_from(list(DocumentKind)))
def test_any_text_is_read_or_refused(text: str, kind: DocumentKind) -> None:
    found = read_document(Shown(text, kind, BORN, "male"), TODAY)
    assert isinstance(found, Holder) or found.detail


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("eligibility", f"{ALL} persons:full")


async def resolve(client: httpx.AsyncClient, *items: dict[str, Any], key: str = "r") -> list[dict[str, Any]]:
    body = {"pool": POOL, "items": [{"row": row, "residence": POOL, **item} for row, item in enumerate(items)]}
    answer = await client.post("/v1/persons/resolve", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def lookup(client: httpx.AsyncClient, **document: Any) -> httpx.Response:
    return await client.post("/v1/persons/lookup", json={"pool": POOL, "document": document})


async def test_lists_roster_and_lookup_take_every_kind(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    header = [*VETERANS, "证件类型", "出生日期", "性别"]
    feed = await take(
        suite,
        "veterans",
        sheet(
            header,
            ["陈港", "810000199408230021", "在乡重点优抚", "2019-01-01", "", "", "", ""],
            ["MARTIN", "C01X00T47", "在乡重点优抚", "2019-01-01", "", "外国护照", "1985-05-06", "男"],
            ["MARTIN", "C01X00T48", "在乡重点优抚", "2019-01-01", "", "外国护照", "", "男"],
            ["张三", number(1), "在乡重点优抚", "2019-01-01", "", "军官证", "", ""],
            ["李四", number(1).lower(), "在乡重点优抚", "2019-01-01", "", "01", "", ""],
        ),
    )
    assert feed["rows_accepted"] == 3
    faults = await rows(suite, "select row_no, faults from feed_rejection order by row_no")
    assert [(row["row_no"], row["faults"][0]["code"]) for row in faults] == [
        (4, "birth_date_missing"),
        (5, "document_kind_unknown"),
    ]
    permit = (await lookup(client, number="810000199408230021")).json()
    assert (permit["name"], permit["document"]["type"]) == ("陈港", "hmt_residence_permit")
    passport = {"type": "foreign_passport", "number": "c01x00t47", "birth_date": "1985-05-06", "sex": "male"}
    found = await resolve(client, {"name": "martin", "document": passport}, {"name": "MARTIN", "document": passport})
    assert [item["outcome"] for item in found] == ["refused", "matched"]
    assert found[1]["matched_by"] == "number"
    assert (await lookup(client, type="foreign_passport", number="C01X00T47")).json()["person_id"] == found[1][
        "person_id"
    ]
    assert (await lookup(client, type="chinese_passport", number="C01X00T47")).status_code == 404
    old = number(1)[:6] + number(1)[8:17]
    assert (await lookup(client, number=old)).json()["name"] == "李四"


async def test_a_person_comes_to_hold_several_documents(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await resolve(client, {"name": "张三", "document": {"number": number(1)}})
    await resolve(client, {"name": "李四", "document": {"number": number(3)}}, key="other")
    known = await person(client, number(1))

    async def add(key: str, version: int, document: dict[str, str], **days: str) -> httpx.Response:
        return await client.post(
            f"/v1/persons/{known['person_id']}/documents",
            params={"pool": POOL},
            json={"document": document, **days},
            headers={"Idempotency-Key": key, "If-Match": f'"{version}"'},
        )

    passport = {"type": "chinese_passport", "number": "E12345678"}
    added = await add("a", known["version"], passport, valid_from="2015-03-01", valid_to="2025-02-28")
    assert added.status_code == 200, added.text
    assert (await add("a", known["version"], passport, valid_from="2015-03-01", valid_to="2025-02-28")).json() == (
        added.json()
    ), "sent twice"
    shown = added.json()
    assert [(one["type"], one["number"], one["valid_to"]) for one in shown["documents"]] == [
        ("resident_id", number(1), None),
        ("chinese_passport", "E12345678", "2025-02-28"),
    ]
    assert shown["document"]["type"] == "resident_id"
    assert (await add("b", known["version"], passport)).status_code == 412
    again = await add("c", shown["version"], passport, valid_to="2030-01-01")
    assert [one["valid_to"] for one in again.json()["documents"]] == [None, "2030-01-01"]
    version = again.json()["version"]
    other = await add("d", version, {"number": number(3)})
    assert (other.status_code, other.json()["code"]) == (409, "document_of_another")
    wrong = await add("e", version, {"type": "chinese_passport", "number": "1"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "document_refused")
    birth = await add("f", version, {"number": number(1, "19800204")})
    assert (birth.status_code, birth.json()["code"]) == (422, "document_refused")
    found = await lookup(client, type="chinese_passport", number="e12345678")
    assert found.json()["person_id"] == known["person_id"]
    stored = str([await rows(suite, f"select * from {table}") for table in ("identity_document", "idempotency_key")])
    assert [told for told in ("张三", number(1), "E12345678") if told in stored] == []
    replayed = await add("c", shown["version"], passport, valid_to="2030-01-01")
    assert (replayed.headers["Idempotency-Replayed"], replayed.headers["ETag"]) == ("true", f'"{version}"')
    assert replayed.json() == again.json()
    masked = suite.client("eligibility", ALL)
    hidden = await masked.get(f"/v1/persons/{known['person_id']}", params={"pool": POOL})
    assert [one["number"][4:6] for one in hidden.json()["documents"]] == ["**", "**"]
