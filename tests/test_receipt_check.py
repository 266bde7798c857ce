"""The public check of receipts: who holds one learns whether it counts, and who guesses learns nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from services.payments.usecases import Asked, verify_receipt
from shared.problem import Problem
from shared.rates import Rates
from tests.payments_town import POOL, Counter, issue_bills
from tests.receipts_town import BOOK, Desk
from tests.suite import InProcessSuite

FIELDS = {
    "found", "state", "is_red", "name", "issuing_unit", "payer_name_masked", "amount_fen", "issued_on", "ended_on",
}  # fmt: skip


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments alone."""
    running = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield running
    await running.close()


class Public:
    """Somebody without a token, with a receipt of 320 yuan in their hand."""

    def __init__(self, desk: Desk, receipt: dict[str, Any]) -> None:
        self.desk, self.receipt = desk, receipt
        self.anyone = desk.suite.client("payments")
        self.printed = {
            "code": receipt["fiscal_code"],
            "number": receipt["fiscal_number"],
            "check_code": receipt["check_code"],
            "amount_fen": "32000",
            "day": "2021-12-05",
        }

    async def ask(self, **more: str) -> httpx.Response:
        """The JSON check."""
        return await self.anyone.get("/v1/receipts/verify", params=self.printed | more)

    async def ask_from(self, address: str, **more: str) -> httpx.Response:
        """The JSON check, asked from somewhere else."""
        transport = httpx.ASGITransport(self.desk.suite.apps["payments"], client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://payments") as other:
            return await other.get("/v1/receipts/verify", params=self.printed | more)

    async def found(self, **more: str) -> dict[str, Any]:
        """What it says."""
        answer = await self.ask(**more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert body.keys() == FIELDS
        return body


@pytest.fixture
async def public(suite: InProcessSuite) -> Public:
    """A payment at a counter, and its receipt."""
    desk = await Desk.open(suite, bills=1)
    return Public(desk, await desk.receipt())


async def test_who_holds_a_receipt_learns_that_it_counts_and_no_more_than_is_on_it(public: Public) -> None:
    assert await public.found() == {
        "found": True, "state": "issued", "is_red": False, "name": "社会保险费专用票据（电子）",
        "issuing_unit": "医疗保障经办机构", "payer_name_masked": "王*明", "amount_fen": 32000,
        "issued_on": "2021-12-05", "ended_on": None,
    }  # fmt: skip
    assert (await public.found(check_code=public.printed["check_code"].upper()))["found"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "14000022"}, {"number": "0000000002"}, {"number": "0000000999"}, {"number": "9999999999"},
        {"check_code": "zzzzzz"}, {"amount_fen": "32001"}, {"day": "2021-12-06"},
    ],
)  # fmt: skip
async def test_whatever_is_wrong_is_answered_alike(public: Public, wrong: dict[str, str]) -> None:
    assert await public.found(**wrong) == {**dict.fromkeys(FIELDS), "found": False}


async def test_a_receipt_that_is_offset_says_so_and_its_red_one_is_known_as_such(public: Public) -> None:
    public.desk.suite.set_clock("2021-12-20 09:00")
    await public.desk.check(await public.desk.ask())
    found = await public.found()
    assert (found["state"], found["ended_on"], found["issued_on"]) == ("offset", "2021-12-20", "2021-12-05")
    red = (await public.desk.receipt())["red"]
    asked = {"number": red["fiscal_number"], "check_code": red["check_code"], "day": "2021-12-20"}
    assert (await public.found(**asked))["is_red"] is True
    renewed = await public.desk.receipt(f"{BOOK}-00000002")
    asked = {"number": renewed["fiscal_number"], "check_code": renewed["check_code"], "day": "2021-12-20"}
    assert (await public.found(**asked))["state"] == "issued"


async def test_the_qr_code_leads_to_a_page_that_has_the_answer(public: Public) -> None:
    url = urlsplit(public.receipt["verify_url"])
    assert (url.scheme, url.netloc, url.path) == ("http", "payments", "/verify")
    page = await public.anyone.get("/verify", params=dict(parse_qsl(url.query)))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "票据有效" in page.text
    assert "王*明" in page.text
    assert "王小明" not in page.text
    typed = dict(parse_qsl(url.query)) | {"check_code": "000000"}
    assert "未查到相符的票据" in (await public.anyone.get("/verify", params=typed)).text


async def test_the_page_is_empty_at_first_and_says_what_is_missing(public: Public) -> None:
    empty = await public.anyone.get("/verify")
    assert empty.status_code == 200
    assert "未查到" not in empty.text
    assert 'aria-invalid="true"' not in empty.text
    half = await public.anyone.get("/verify", params={"code": "1400"})
    assert half.text.count('aria-invalid="true"') == 5


async def test_who_tries_too_often_waits_and_so_does_a_number_that_many_try(public: Public) -> None:
    rates = public.desk.service.settings.receipts.checks_per_minute
    answers = [await public.ask(number=f"{n:010d}") for n in range(1, rates + 2)]
    assert [answer.status_code for answer in answers] == [200] * rates + [429]
    assert answers[-1].json()["code"] == "too_many_tries"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    page = await public.anyone.get("/verify", params=dict(parse_qsl(urlsplit(public.receipt["verify_url"]).query)))
    assert (page.status_code, "查验过于频繁" in page.text) == (429, True)
    assert int(page.headers["retry-after"]) >= 1


async def test_a_number_is_not_guessed_by_many_addresses(public: Public) -> None:
    most = public.desk.service.settings.receipts.checks_per_minute
    for n in range(most):
        assert (await public.ask_from(f"10.0.0.{n}", check_code=f"{n:06d}")).status_code == 200
    answer = await public.ask_from("10.0.1.1")
    assert answer.status_code == 429
    assert 60 < int(answer.headers["retry-after"]) <= 3600
    # A receipt of another book may have the same number.
    assert (await public.ask_from("10.0.1.1", code="14000022")).status_code == 200


async def test_nobody_alone_keeps_others_from_asking(public: Public) -> None:
    most = public.desk.service.settings.receipts.checks_per_minute
    for n in range(most * 2):
        assert (await public.ask_from("10.0.0.1", check_code=f"{n:06d}")).status_code == (200 if n < most else 429)
    for _ in range(most):
        assert (await public.ask_from("10.0.0.2")).json()["found"]


async def test_who_has_guessed_at_a_receipt_waits_an_hour_for_it_and_for_no_other(public: Public) -> None:
    guesses = replace(public.desk.service, check_rate=Rates(1000, 60), number_rate=Rates(2, 3600))

    async def ask(now: float, address: str = "10.0.0.1", **more: Any) -> bool:
        asked = Asked(**{**public.printed, "amount_fen": 32000, "day": date(2021, 12, 5), **more})
        found: bool = (await verify_receipt(guesses, asked, address, now))["found"]
        return found

    assert [await ask(now, check_code="000000") for now in (0.0, 1.0)] == [False, False]
    with pytest.raises(Problem) as waits:
        await ask(2.0)
    assert (waits.value.kind.code, waits.value.retry_seconds) == ("too_many_tries", 3598)
    assert await ask(2.0, number="0000000002") is False
    assert [await ask(2.0, "10.0.0.2") for _ in range(5)] == [True] * 5
    assert await ask(3600.0)


@pytest.mark.parametrize(
    "malformed",
    [{"code": "1"}, {"number": "x"}, {"check_code": "王小明王小明"}, {"amount_fen": "0"}, {"day": "gestern"}],
)
async def test_what_has_not_the_form_is_refused_by_field(public: Public, malformed: dict[str, str]) -> None:
    answer = await public.ask(**malformed)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (
        422,
        [f"?{next(iter(malformed))}"],
    )


async def test_a_pdf_is_printed_for_a_receipt_and_for_its_red_one(public: Public) -> None:
    await public.desk.check(await public.desk.ask())
    for receipt_no in (f"{BOOK}-00000001", f"{BOOK}-R00000001", f"{BOOK}-00000002"):
        answer = await public.desk.clerk.get(f"/v1/receipts/{receipt_no}/pdf", params={"pool": POOL})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.content.startswith(b"%PDF-")
    missing = await public.desk.clerk.get(f"/v1/receipts/{BOOK}-00000009/pdf", params={"pool": POOL})
    assert missing.json()["code"] == "receipt_unknown"


async def test_a_receipt_of_the_last_second_of_a_day_is_of_that_day(suite: InProcessSuite) -> None:
    suite.set_clock("2021-12-05 23:59:59")
    [bill] = await issue_bills(suite, [32000])
    counter = await Counter.open(suite)
    assert (await counter.take([bill])).status_code == 201
    desk = Desk(suite)
    assert (await Public(desk, await desk.receipt()).found())["found"]
