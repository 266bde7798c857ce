"""Receipt books: fiscal numbers, the nightly proof, the stock report, what vendors and the tax bureau are told."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook

from services.payments import usecases
from tests.payments_town import POOL, issue_bills
from tests.receipts_town import BOOK, CHECK, READ, Desk, key
from tests.suite import InProcessSuite


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments alone."""
    running = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield running
    await running.close()


# Fiscal numbers


async def test_a_receipt_has_code_number_and_check_code_as_soon_as_it_is_read(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite)
    one, two = await desk.receipt(), await desk.receipt(f"{BOOK}-00000002")
    assert (one["fiscal_code"], one["fiscal_number"], one["medium"]) == ("14000021", "0000000001", "electronic")
    assert two["fiscal_number"] == "0000000002"
    assert one["check_code"] != two["check_code"]
    assert (one["state"], one["red"], one["business_no"]) == ("issued", None, f"{POOL}-{BOOK}-00000001")
    assert await desk.receipt() == one


async def test_two_workers_at_once_give_a_book_its_numbers_once(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite)
    await asyncio.gather(*(usecases.number_books(desk.service) for _ in range(4)))
    [segment] = await desk.segments()
    assert (segment["received_count"], segment["used_count"], segment["left_count"]) == (1002, 3, 999)
    assert await usecases.number_books(desk.service) is False


async def test_books_of_two_pools_never_have_one_fiscal_number_twice(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    await desk.run("insert into receipt_book (pool, book_code, last_number) values ('140581', 'X', 7)")
    await usecases.number_books(desk.service)
    spans = await desk.run(
        "select code, first_fiscal, first_fiscal + last_number - first_number as last from receipt_segment order by 2"
    )
    assert [row["code"] for row in spans] == ["14000021", "14000021"]
    assert spans[0]["last"] < spans[1]["first_fiscal"]


async def test_printed_forms_come_next_whatever_was_left_of_electronic_numbers(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    await usecases.number_books(desk.service)
    assert (await desk.hand_out()).status_code == 201
    desk.bills = await issue_bills(suite, [100, 100])
    await desk.counter.take(desk.bills)
    first, paper = await desk.receipt(), await desk.receipt(f"{BOOK}-00000002")
    assert (first["medium"], paper["medium"]) == ("electronic", "paper")
    assert (paper["fiscal_code"], paper["fiscal_number"]) == ("14990121", "0000000001")
    assert await suite.invariants_broken() == {}


@pytest.mark.parametrize("first", ["0000000001", "0000000005", "0000000000", "9999999998"])
async def test_numbers_that_overlap_or_do_not_exist_are_not_handed_out(suite: InProcessSuite, first: str) -> None:
    desk = await Desk.open(suite, bills=0)
    assert (await desk.hand_out()).status_code == 201
    again = await desk.hand_out(first=first, book="OTHER")
    assert (again.status_code, again.json()["code"]) == (409, "segment_taken")


# The nightly proof


async def test_what_waits_too_long_is_an_alarm(suite: InProcessSuite) -> None:
    """A cancellation after three days, a used-up segment after a month, a book that no night has proven after two."""
    desk = await Desk.open(suite, bills=0)
    await desk.hand_out(count=1)
    await desk.counter.take(await issue_bills(suite, [100]))
    await desk.ask()
    anyone = suite.client("payments", READ)
    rung = []
    for day in ("2021-12-07 09:59", "2021-12-07 10:01", "2021-12-08 10:01", "2022-01-04 10:01"):
        suite.set_clock(day)
        items = (await anyone.get("/v1/alarms")).json()["items"]
        rung.append({item["name"] for item in items if item["found"]} - {"shift_is_closed"})
    unproven, waiting, used = "receipt_is_proven", "receipt_cancellation_is_checked", "used_segment_is_written_off"
    assert rung == [set(), {unproven}, {unproven, waiting}, {unproven, waiting, used}]
    while await usecases.prove_books(desk.service):
        pass
    items = (await anyone.get("/v1/alarms")).json()["items"]
    assert unproven not in {item["name"] for item in items if item["found"]}


async def test_each_night_proves_that_no_number_is_missing(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite)
    suite.set_clock("2021-12-06 00:59:59")
    assert await usecases.prove_books(desk.service) is False
    suite.set_clock("2021-12-06 01:00")
    assert await usecases.prove_books(desk.service) is True
    assert await usecases.prove_books(desk.service) is False
    later = await issue_bills(suite, [100])
    await desk.counter.take(later)
    suite.set_clock("2021-12-08 09:00")
    await asyncio.gather(*(usecases.prove_books(desk.service) for _ in range(3)))
    answer = await desk.chief.get("/v1/receipt-proofs", params={"pool": POOL, "limit": 1})
    first = answer.json()["items"][0]
    assert (first["day"], first["first_number"], first["last_number"], first["issued_fen"]) == (
        "2021-12-05",
        1,
        3,
        96000,
    )
    answer = await desk.chief.get("/v1/receipt-proofs", params={"pool": POOL, "after": answer.json()["next"]})
    [second] = answer.json()["items"]
    assert (second["day"], second["first_number"], second["last_number"]) == ("2021-12-06", 4, 4)
    assert {one["missing_count"] + one["doubled_count"] for one in (first, second)} == {0}
    assert await suite.invariants_broken() == {}


async def test_a_receipt_that_is_gone_or_changed_is_found(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite)
    suite.set_clock("2021-12-06 02:00")
    await usecases.prove_books(desk.service)
    await desk.run("update receipt set amount_fen = 1 where number = 2")
    assert "receipt_proof_stands" in {one["name"] for one in (await suite.invariants_broken())["payments"]}


async def test_a_number_that_is_missing_is_named(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite)
    await desk.run("delete from receipt where number = 2")
    suite.set_clock("2021-12-06 02:00")
    await usecases.prove_books(desk.service)
    [proof] = await desk.run("select missing_count, issued_count from receipt_proof")
    assert (proof["missing_count"], proof["issued_count"]) == (1, 2)
    assert "receipt_proof_finds_nothing" in {one["name"] for one in (await suite.invariants_broken())["payments"]}


async def test_what_agents_hold_in_blocks_is_neither_missing_nor_used(suite: InProcessSuite) -> None:
    """The block's numbers come before what the counter used meanwhile; one is used later, the rest is counted."""
    desk = await Desk.open(suite, bills=0)
    body = {"pool": POOL, "book_code": BOOK, "region": "140522108", "agent": "agent-zhang", "count": 5}
    assert (await desk.chief.post("/v1/receipt-blocks", json=body, headers=key())).status_code == 201
    await desk.counter.take(await issue_bills(suite, [100]))
    suite.set_clock("2021-12-06 02:00")
    await usecases.prove_books(desk.service)
    await usecases.number_books(desk.service)
    [proof] = (await desk.chief.get("/v1/receipt-proofs", params={"pool": POOL})).json()["items"]
    figures = ("first_number", "last_number", "issued_count", "outstanding_count", "missing_count")
    assert [proof[name] for name in figures] == [1, 6, 1, 5, 0]
    [told] = await desk.segments()
    assert (told["used_count"], told["outstanding_count"], told["left_count"]) == (1, 5, 999)
    assert await suite.invariants_broken() == {}


async def test_a_receipt_committed_after_midnight_joins_the_next_proof(suite: InProcessSuite) -> None:
    """Issued at 23:59:59 by the clock, but there only when the day was proven: nothing loops, nothing is left out."""
    desk = await Desk.open(suite, bills=1)
    suite.set_clock("2021-12-06 02:00")
    await usecases.prove_books(desk.service)
    await desk.counter.take(await issue_bills(suite, [100]))
    await desk.run("update receipt set issued_at = '2021-12-05T15:59:59Z' where number = 2")
    suite.set_clock("2021-12-07 02:00")
    assert await usecases.prove_books(desk.service) is True
    assert await usecases.prove_books(desk.service) is False
    rows = await desk.run("select cast(day as text) as day, last_number from receipt_proof order by day")
    assert [(row["day"], row["last_number"]) for row in rows] == [("2021-12-05", 1), ("2021-12-06", 2)]


# Stock


async def test_the_stock_report_says_what_became_of_every_number(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=0)
    handed = (await desk.hand_out(count=3)).json()
    desk.bills = await issue_bills(suite, [32000, 32000])
    await desk.counter.take(desk.bills)
    url = f"/v1/receipt-segments/{handed['segment_id']}/close"
    other = suite.client("payments", CHECK, user="chief-zhao", area="140522")

    async def close(by: httpx.AsyncClient) -> httpx.Response:
        return await by.post(url, json={"pool": POOL}, headers=key(**{"If-Match": '"1"'}))

    assert (await close(other)).json()["code"] == "segment_in_use"
    await desk.check(await desk.ask())
    [told] = await desk.segments()
    figures = ("received_count", "used_count", "voided_count", "left_count", "used_first", "used_last", "issued_fen")
    assert [told[name] for name in figures] == [3, 3, 1, 0, "0000000001", "0000000003", 64000]
    assert (await close(desk.chief)).json()["code"] == "four_eyes"
    assert (await close(other)).json()["state"] == "written_off"
    assert (await other.post(url, json={"pool": POOL}, headers=key(**{"If-Match": '"2"'}))).json()["code"] == (
        "segment_written_off"
    )
    sheet = await desk.chief.get("/v1/receipt-segments.xlsx", params={"pool": POOL})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert rows[0][:6] == ["领用单位（票据簿）", "票种", "介质", "票据代码", "起号", "止号"]
    assert rows[1][:6] == [BOOK, "正票", "纸质", "14990121", "0000000001", "0000000003"]
    assert "640.00" in rows[1]
    assert "已核销" in rows[1]


# For vendors, and the tax bureau's numbers


async def test_a_vendor_gets_its_fields_and_names_only_with_the_scope(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    await desk.check(await desk.ask())
    url = f"/v1/receipt-books/{BOOK}/receipts.jsonl"
    full = suite.client("payments", f"{READ} persons:full", user="vendor", area="140522")

    async def lines(by: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
        answer = await by.get(url, params={"pool": POOL, **params})
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.content.splitlines()]

    ordinary, [red] = await lines(full), await lines(full, series="red")
    assert [(line["billNo"], line["totalAmt"], line["state"], line["writeOff"]) for line in [*ordinary, red]] == [
        ("0000000001", "320.00", "3", "0"),
        ("0000000002", "320.00", "1", "0"),
        (red["billNo"], "-320.00", "1", "1"),
    ]
    assert (red["relateBillNo"], red["relateBillBatchCode"]) == ("0000000001", "14000021")
    assert len({line["busNo"] for line in [*ordinary, red]}) == 3
    assert {line["payer"] for line in [*ordinary, red]} == {"王小明"}
    assert [line["payer"] for line in await lines(desk.clerk, after_number=1)] == ["王*明"]
    assert await lines(full, series="red", after_number=1) == []


async def test_the_tax_bureaus_number_is_kept_as_it_is_printed(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    url = f"/v1/collections/{(await desk.receipt())['collection_id']}/tax-certificates"

    async def record(**more: str) -> httpx.Response:
        body = {"pool": POOL, "certificate_no": "(211)示例证00012345", "filled_on": "2021-12-06", **more}
        return await desk.clerk.post(url, json=body, headers=key())

    assert (await record(certificate_no="12 34")).json()["code"] == "certificate_malformed"
    assert (await record(ticket_no="号")).json()["code"] == "certificate_malformed"
    assert (await record()).status_code == 201
    assert (await record(certificate_no="(211)示例证00012346", ticket_no="399010211200001234")).status_code == 201
    items = (await desk.clerk.get(url, params={"pool": POOL})).json()["items"]
    assert [item["certificate_no"] for item in items] == ["(211)示例证00012346", "(211)示例证00012345"]
