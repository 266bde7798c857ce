"""The simulated tax bureau and payments, each by its own code, joined by HTTP."""

import csv
import io
import json
import stat
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.simulators import tax as simulator
from deploy.local.simulators.tax_books import HEADINGS, Books, Payment
from tests.payments_town import POOL, IssuedBill, issue_bills
from tests.suite import InProcessSuite


class Line(httpx.AsyncBaseTransport):
    """The line between the two. It loses what it is told to lose."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.sent: list[str] = []
        self.lose_requests = self.lose_answers = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.sent.append(request.headers["signature-input"])
        if self.lose_requests:
            self.lose_requests -= 1
            raise httpx.ConnectError("lost", request=request)
        answer = await self._inner.handle_async_request(request)
        if self.lose_answers:
            self.lose_answers -= 1
            raise httpx.ReadError("lost", request=request)
        return answer


class Town:
    """Payments with its tax bureau."""

    def __init__(self, suite: InProcessSuite, folder: Path) -> None:
        self.suite = suite
        self.folder = folder
        self.line = Line(httpx.ASGITransport(suite.apps["payments"]))
        self.bureau = self.open()

    def open(self) -> httpx.AsyncClient:
        """The bureau's control API, over the books as they lie in the folder."""
        app = simulator.create_app(
            payments="http://payments",
            keys=self.folder / "keys",
            books=self.folder / "tax.jsonl",
            transport=self.line,
        )
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tax")
        self.suite._clients.append(client)
        return client

    async def pay(self, items: list[dict[str, Any]], **order: Any) -> list[dict[str, Any]]:
        """Payers pay at the bureau; what payments said of each."""
        answer = await self.bureau.post("/control/payments", json={"items": items, **order})
        assert answer.status_code == 200, answer.text
        said: list[dict[str, Any]] = answer.json()["items"]
        return said

    async def collected(self) -> int:
        """How many payments of the bureau are booked."""
        answer = await self.suite.client("payments", "payments:read").get("/v1/summary", params={"pool": POOL})
        count: int = answer.json()["collected"]["by_channel"]["etax"]["count"]
        return count


def paid(bill: IssuedBill, **changes: Any) -> dict[str, Any]:
    return {
        "bill_no": bill.bill_no,
        "amount_fen": bill.amount_fen,
        "paid_at": "2021-12-05T10:00:00+08:00",
        "payer_name": "王小明",
        **changes,
    }


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setenv("PAYMENTS_TAX_KEYS", simulator.settings_of(tmp_path / "keys"))
    monkeypatch.setattr(simulator, "_PAUSE_SECONDS", 0.01)
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 18:00")
    yield Town(suite, tmp_path)
    assert await suite.invariants_broken() == {}
    await suite.close()


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = simulator.settings_of(tmp_path)
    assert simulator.settings_of(tmp_path) == first
    assert list(json.loads(first)) == ["tax-bureau-local"]
    pem = tmp_path / "tax-bureau.pem"
    assert pem.read_text().startswith("-----BEGIN PRIVATE KEY-----")  # PKCS 8
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600


async def test_single_and_batch_are_taken(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 5)
    said = await town.pay([paid(bills[0]), paid(bills[1], mode="batch"), paid(bills[2], mode="batch")])
    said += await town.pay([paid(bills[3]), paid(bills[4]), paid(bills[4])], batch_no="B9")
    assert [item["outcome"] for item in said] == ["settled"] * 5 + ["surplus"]
    assert [bool(item["batch_no"]) for item in said] == [False, True, True, True, True, True]
    assert len({item["event_id"] for item in said}) == 6
    assert len(town.line.sent) == 3
    assert await town.collected() == 6


@pytest.mark.channel("tax: duplicates", "tax: event id")
@pytest.mark.parametrize("batch_no", [None, "B1"])
@pytest.mark.parametrize("fault", ["duplicate", "reorder", "changed"])
async def test_faults_change_nothing_about_the_money(town: Town, fault: str, batch_no: str | None) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    said = await town.pay([paid(bill) for bill in bills], faults=[fault], batch_no=batch_no)
    assert [(item["bill_no"], item["outcome"]) for item in said] == [(bill.bill_no, "settled") for bill in bills]
    expected = [1, 2, 3] if fault != "reorder" else [3, 2, 1]
    assert [item["receipt_no"] for item in said] == [f"SW140522-0000000{n}" for n in expected]
    assert len(town.line.sent) == (1 if batch_no else 3) * (1 if fault == "reorder" else 2)
    assert await town.collected() == 3


async def test_what_is_held_stands_in_the_list_and_comes_when_it_is_released(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    held = await town.pay([paid(bill) for bill in bills], faults=["delay"], batch_no="B1")
    assert [item["outcome"] for item in held] == ["held"] * 3
    assert await town.collected() == 0
    listed = (await town.bureau.get("/control/statement", params={"day": "2021-12-05"})).content
    assert listed.count(b"TAX-20211205") == 3
    town.suite.set_clock("2022-02-01 09:00")
    released = (await town.bureau.post("/control/release")).json()["items"]
    assert [item["outcome"] for item in released] == ["settled"] * 3  # judged by the day it was paid
    assert (await town.bureau.post("/control/release")).json()["items"] == []
    assert await town.collected() == 3


async def test_it_repeats_until_it_is_answered_with_the_same_event_and_a_new_signature(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    town.line.lose_requests = town.line.lose_answers = 2
    [said] = await town.pay([paid(bill)])
    assert said["outcome"] == "settled"
    assert len(set(town.line.sent)) == len(town.line.sent) == 5
    assert await town.collected() == 1


async def test_what_was_not_answered_when_it_died_is_sent_when_it_is_back(town: Town) -> None:
    one, two = await issue_bills(town.suite, [32000] * 2)
    await town.pay([paid(one)])
    books = Books(town.folder / "tax.jsonl")
    books.keep(Payment("TAX-X", "V", two.bill_no, 32000, "2021-12-05T10:00:00+08:00", None, None))
    again = Books(town.folder / "tax.jsonl")
    client = httpx.AsyncClient(transport=town.line, base_url="http://payments")
    await simulator.Bureau(client, simulator.key_of(town.folder / "keys"), again).catch_up()
    await client.aclose()
    assert [payment.outcome for payment in again.payments.values()] == ["settled", "settled"]
    assert await town.collected() == 2


async def test_a_message_may_be_wrong_and_the_day_list_is_right(town: Town) -> None:
    misread, never_paid = await issue_bills(town.suite, [32000, 4000])
    said = await town.pay([paid(misread, told_fen=31000), paid(never_paid, collected=False)])
    assert [(item["outcome"], item["reason"]) for item in said] == [("suspense", "amount_differs"), ("settled", None)]
    listed = Books(town.folder / "tax.jsonl").statement(date(2021, 12, 5), ()).decode()
    assert f"{misread.bill_no},320.00" in listed
    assert never_paid.bill_no not in listed


async def test_the_day_list_is_laid_out_as_it_says(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000, 4000, 32000])
    times = ["2021-12-05T00:00:00+08:00", "2021-12-05T15:59:59Z", "2021-12-05T16:00:00Z"]
    payers = ["王小明", None, '李, "x"']
    items = [paid(b, paid_at=at, payer_name=who) for b, at, who in zip(bills, times, payers, strict=True)]
    said = await town.pay(items, batch_no="B1")

    async def listed(day: str, faults: str = "") -> bytes:
        answer = await town.bureau.get("/control/statement", params={"day": day, "faults": faults})
        assert answer.status_code == 200
        return answer.content

    def rows(content: bytes) -> list[list[str]]:
        assert content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    content = await listed("2021-12-05")
    assert content.endswith(b"\r\n")
    total, headings, *lines = rows(content)
    assert total == ["对账日", "2021-12-05", "总笔数", "2", "总金额(元)", "360.00"]
    assert tuple(headings) == HEADINGS == ("电子税票号", "缴费时间", "应缴单号", "金额(元)", "缴费人", "事件号")
    assert lines == [
        [said[0]["voucher_no"], "2021-12-05 00:00:00", bills[0].bill_no, "320.00", "王小明", said[0]["event_id"]],
        [said[1]["voucher_no"], "2021-12-05 23:59:59", bills[1].bill_no, "40.00", "", said[1]["event_id"]],
    ]
    assert rows(await listed("2021-12-06"))[2][4] == '李, "x"'
    assert rows(await listed("2021-12-07")) == [["对账日", "2021-12-07", "总笔数", "0", "总金额(元)", "0.00"], headings]
    wrong, unknown, cut = [await listed("2021-12-05", fault) for fault in ("wrong_amount", "unknown_line", "cut_end")]
    assert (rows(wrong)[0][3:], rows(wrong)[2][3]) == (["2", "总金额(元)", "361.00"], "321.00")
    assert rows(unknown)[0][3] == str(len(rows(unknown)) - 2) == "3"
    assert rows(unknown)[4][5] not in {item["event_id"] for item in said}
    assert content.startswith(cut)
    assert len(rows(cut)) == 4
    assert len(rows(cut)[3]) < 6
    assert (await town.bureau.get("/control/statement", params={"day": "2021-12-05", "faults": "x"})).status_code == 422
    assert Books(town.folder / "tax.jsonl").statement(date(2021, 12, 5), ()) == content
