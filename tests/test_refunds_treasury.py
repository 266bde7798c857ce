"""Money that was posted to the treasury goes back from there, from the application to the payee's account: refunds
decides, payments packs (1104), the treasury answers (9110), and both services end with the same word."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.ids import new_id
from shared.jobs import drain
from tests.payments_town import POOL, issue_bills
from tests.registration_town import publish_package
from tests.treasury_town import TreasuryTown, open_treasury

FEN = 32000
Json = dict[str, Any]


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TreasuryTown]:
    """The treasury's town with the agency's other desks: registration says what is due back, refunds decides."""
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as opened:
        for service in ("registration", "refunds"):
            opened.suite.apps[service] = opened.suite.make_app(service)
        await publish_package(opened.suite)
        opened.suite.set_clock("2021-12-06 10:00")
        yield opened


class Journey:
    """One bill that was paid twice through the bureau, and the application about the second payment."""

    def __init__(self, town: TreasuryTown, bill_no: str) -> None:
        self.town, self.bill_no = town, bill_no

    @classmethod
    async def begin(cls, town: TreasuryTown) -> "Journey":
        [bill] = await issue_bills(town.suite, [FEN])
        paid = await town.collect(*({"bill_no": bill.bill_no, "voucher_no": voucher} for voucher in ("V1", "V2")))
        assert [one["outcome"] for one in paid] == ["settled", "surplus"]
        await town.post_day()
        journey = cls(town, bill.bill_no)
        await journey.follow()
        return journey

    async def application(self) -> Json:
        """As it stands."""
        client = self.town.suite.client("refunds", "refunds:read")
        [found] = (await client.get("/v1/applications", params={"pool": POOL})).json()["items"]
        return dict(found)

    async def step(self, step: str, by: str, scope: str, **body: Any) -> httpx.Response:
        """What somebody at the agency does."""
        found = await self.application()
        return await self.town.suite.client("refunds", f"refunds:{scope}", user=by).post(
            f"/v1/applications/{found['application_id']}/{step}",
            json={"pool": POOL, **body},
            headers={"Idempotency-Key": str(new_id()), "If-Match": f'"{found["version"]}"'},
        )

    async def pay(self, by: str = "clerk-zhao") -> httpx.Response:
        return await self.step("pay", by, "pay", method="treasury")

    async def approve(self) -> str:
        """Check and decide; the application's number."""
        assert (await self.step("check", "checker", "check", result="confirmed")).status_code == 200
        assert (await self.step("decide", "decider", "approve", result="approved")).status_code == 200
        return str((await self.application())["application_id"])

    async def follow(self) -> None:
        """Refunds learns the news of payments."""
        await drain(self.town.suite.apps["refunds"].state.jobs)

    async def work(self) -> None:
        """Packages go out, answers come in, and both services hear of it."""
        await self.town.work()
        await self.follow()

    async def refund(self) -> Json:
        """As payments shows it."""
        path = f"/v1/refunds/{(await self.application())['refund_id']}"
        return dict((await self.town.clerk().get(path, params={"pool": POOL})).json())

    async def bill(self) -> Json:
        """As payments shows it."""
        return dict((await self.town.clerk().get(f"/v1/bills/{self.bill_no}", params={"pool": POOL})).json())


async def test_from_the_application_to_the_payees_account(town: TreasuryTown) -> None:
    journey = await Journey.begin(town)
    application_id = await journey.approve()
    await town.record_account(application_id)
    await town.confirm_account(application_id, 1)
    paying = await journey.pay()
    assert (paying.status_code, paying.json()["state"], paying.json()["payout_state"]) == (202, "paying", "submitted")
    await journey.work()
    [package] = (await town.bureau.get("/control/treasury/packages")).json()["items"]
    [line] = package["lines"]
    assert (line["PayeeAcct"], line["OriTaxVouNo"], line["TraAmt"]) == ("6222000000000000001", "V2", "320.00")
    refund, application = await journey.refund(), await journey.application()
    assert (refund["state"], refund["amount_fen"], refund["method"]) == ("settled", FEN, "treasury")
    assert (application["state"], application["paid_by"]) == ("paid", "clerk-zhao")
    feed = await town.suite.client("refunds", "refunds:read").get("/v1/events", params={"pool": POOL})
    assert [event["type"] for event in feed.json()["items"]] == ["refund.decided", "refund.closed"]
    assert (await journey.bill())["status"] == "paid", "what settled it stays"
    summary = (await town.clerk().get("/v1/summary", params={"pool": POOL})).json()
    assert (summary["refunds"], summary["funds"]["ledger_sum_fen"]) == ({"count": 1, "amount_fen": FEN}, 0)
    assert (await town.hand_in(await town.printed("3123"))).status_code == 201
    assert "treasury_refunds_agree" not in await town.alarms()


async def test_nobody_pays_to_an_account_of_their_own_or_that_nobody_confirmed(town: TreasuryTown) -> None:
    journey = await Journey.begin(town)
    application_id = await journey.approve()
    for code in ("refund_account_needed", "refund_account_unconfirmed"):
        refused = await journey.pay()
        assert refused.status_code == 409, refused.text
        assert code in refused.text
        assert (await journey.application())["state"] == "approved"
        if code == "refund_account_needed":
            await town.record_account(application_id)
    await town.confirm_account(application_id, 1)
    assert "four_eyes" in (await journey.pay("clerk-wang")).text
    assert (await journey.application())["state"] == "approved"
    assert (await journey.pay()).json()["state"] == "paying"


async def test_a_refused_line_goes_out_again_to_another_account(town: TreasuryTown) -> None:
    journey = await Journey.begin(town)
    application_id = await journey.approve()
    await town.record_account(application_id)
    await town.confirm_account(application_id, 1)
    await town.bureau.post("/control/treasury/refunds", json={"outcome": "refused"})
    await journey.pay()
    await journey.work()
    assert (await journey.application())["state"] == "approved", "the money is free for another way"
    assert (await town.record_account(application_id, 2, account="6222000000000000002")).status_code == 200
    assert "refund_account_unconfirmed" in (await journey.pay()).text
    assert (await town.confirm_account(application_id, 3)).status_code == 200
    assert (await journey.pay()).status_code == 202
    await journey.work()
    assert ((await journey.application())["state"], (await journey.refund())["state"]) == ("paid", "settled")
    kept = (await town.bureau.get("/control/treasury/packages")).json()["items"]
    assert [line["PayeeAcct"][-1] for package in kept for line in package["lines"]] == ["1", "2"]
