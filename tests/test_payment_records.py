"""Payment records: by payer (S004-27) and by insured person over all channels with the treasury's state (S004-28)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.payments import usecases
from services.payments.store import records as store
from services.payments.usecases import Payment
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_town import POOL, REGION, IssuedBill, issue_bills
from tests.suite import InProcessSuite
from tests.treasury_town import OFFICE, POSTED, open_treasury

SCOPES = "payments:read"


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments alone."""
    running = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield running
    await running.close()


class Hall:
    """Money that comes through several channels, and partners that ask."""

    def __init__(self, suite: InProcessSuite) -> None:
        suite.set_clock("2021-12-05 10:00")
        self.suite = suite
        self.service: usecases.Payments = suite.apps["payments"].state.service
        self.app = suite.client("payments", SCOPES, user="partner", area="140522")
        self.payer = new_id()

    async def pay(self, bill: IssuedBill, channel: Channel = Channel.WECHAT, *, payer: UUID | None = None) -> UUID:
        """Somebody pays a bill; the collection."""
        payment = Payment(
            channel=channel, method="jsapi" if channel is Channel.WECHAT else "app", reference=str(new_id()),
            bill_no=bill.bill_no, amount_fen=bill.amount_fen, paid_at=self.service.clock.now(), payer_name="王小明",
            payer_id=payer or self.payer, region=REGION, book_code="B", taken_by="channel", shift_id=None,
            held_account=f"held/{channel}", message={},
        )  # fmt: skip
        async with self.service.database.writing() as tx:
            [row] = await usecases.settle(tx, POOL, [payment], self.service.clock.now())
        found: UUID = row["collection_id"]
        return found

    async def ask(self, path: str, *, by: httpx.AsyncClient | None = None, **more: Any) -> dict[str, Any]:
        """A page of records."""
        answer = await (by or self.app).get(f"/v1/{path}/payments", params={"pool": POOL, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def hall(suite: InProcessSuite) -> Hall:
    """A hall without money."""
    return Hall(suite)


@pytest.mark.rule("S004-27")
async def test_a_payer_sees_whom_they_paid_for_and_nobody_elses_payments(hall: Hall) -> None:
    bills = await issue_bills(hall.suite, [32000, 10000, 5000], name_masked="李*娃")
    paid = [await hall.pay(bill) for bill in bills[:2]]
    await hall.pay(bills[2], payer=new_id())
    found = await hall.ask(f"payers/{hall.payer}")
    assert [(one["collection_id"], one["amount_fen"]) for one in found["items"]] == [
        (str(paid[1]), 10000),
        (str(paid[0]), 32000),
    ]
    one = found["items"][0]
    assert (one["person_id"], one["person_name_masked"]) == (str(bills[1].person_id), "李*娃")
    assert (one["payer_name"], one["receipt_no"], one["receipt_state"]) == ("王*明", "B-00000002", "issued")
    assert (one["stage"], one["posted_on"], one["refund_state"]) == ("paid", None, None)


@pytest.mark.rule("S004-28")
async def test_an_insured_persons_payments_come_from_all_channels(hall: Hall) -> None:
    [bill] = await issue_bills(hall.suite, [32000])
    await hall.pay(bill, Channel.BANK)
    hall.suite.set_clock("2021-12-06 10:00")
    await hall.pay(bill, Channel.ETAX, payer=new_id())
    found = await hall.ask(f"persons/{bill.person_id}")
    assert [(one["channel"], one["outcome"]) for one in found["items"]] == [("etax", "surplus"), ("bank", "settled")]
    only = await hall.ask(f"persons/{bill.person_id}", channel="bank")
    assert [one["channel"] for one in only["items"]] == ["bank"]


async def test_the_treasurys_state_comes_with_it(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as town:
        [bill] = await issue_bills(town.suite, [32000])
        await town.collect({"bill_no": bill.bill_no, "voucher_no": "V1"})

        async def record() -> dict[str, Any]:
            answer = await town.clerk().get(f"/v1/persons/{bill.person_id}/payments", params={"pool": POOL})
            [found] = answer.json()["items"]
            return dict(found)

        paid = await record()
        assert (paid["stage"], paid["voucher_no"], paid["posted_on"]) == ("paid", "V1", None)
        await town.post_day()
        posted = await record()
        assert (posted["stage"], posted["posted_on"], posted["remitted_on"]) == ("posted", POSTED, None)
        order = {"pool": POOL, "office": OFFICE, "posted_on": POSTED, "remitted_on": "2021-12-10", "amount_fen": 32000}
        assert (await town.post("/v1/treasury/remitted", order | {"document_no": "SJ1"})).status_code == 201
        remitted = await record()
        assert (remitted["stage"], remitted["remitted_on"]) == ("remitted", "2021-12-10")


async def test_what_was_taken_back_stays_and_says_so(hall: Hall) -> None:
    [bill] = await issue_bills(hall.suite, [32000])
    collection_id = await hall.pay(bill)
    async with hall.service.database.writing() as tx:
        await usecases.reverse(tx, POOL, [collection_id], "test", hall.service.clock.now())
    [one] = (await hall.ask(f"persons/{bill.person_id}"))["items"]
    assert (one["stage"], one["receipt_state"]) == ("reversed", "offset")


async def test_pages_hold_each_record_once(hall: Hall) -> None:
    bills = await issue_bills(hall.suite, [100] * 7)
    paid = [str(await hall.pay(bill)) for bill in bills]
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = await hall.ask(f"payers/{hall.payer}", limit=3, **after)
        seen += [one["collection_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == paid[::-1]


async def test_names_only_with_the_scope_areas_as_everywhere_and_every_question_is_written_down(hall: Hall) -> None:
    [bill] = await issue_bills(hall.suite, [32000])
    await hall.pay(bill)
    full = hall.suite.client("payments", f"{SCOPES} persons:full", user="officer", area="140522")
    [one] = (await hall.ask(f"payers/{hall.payer}", by=full))["items"]
    assert one["payer_name"] == "王小明"
    village = hall.suite.client("payments", SCOPES, user="agent", area="140522109")
    assert (await hall.ask(f"payers/{hall.payer}", by=village))["items"] == []
    far = hall.suite.client("payments", SCOPES, user="far", area="140581")
    refused = await far.get(f"/v1/payers/{hall.payer}/payments", params={"pool": POOL})
    assert refused.json()["code"] == "area_forbidden"
    async with hall.service.database.reading() as tx:
        lines = await tx.rows("select actor, persons from audit_line where action = 'payment.listed' order by seq")
    assert [line["actor"] for line in lines] == ["officer", "agent"]
    assert set(lines[0]["persons"]) == {str(hall.payer), str(bill.person_id)}
    assert lines[1]["persons"] == [str(hall.payer)]


async def test_both_questions_use_an_index_however_much_there_is(hall: Hall) -> None:
    """As the planner sees 6,000 payments of 1,500 people: no table is read whole."""
    async with hall.service.database.engine.begin() as connection:
        for statement in FILL:
            await connection.execute(text(statement))
    someone = new_id()
    for asked in ({"payer_id": someone, "person_id": None}, {"payer_id": None, "person_id": someone}):
        for after in (None, someone):
            sql, values = store.records_sql(POOL, POOL, channel=None, after=after, limit=100, **asked)
            async with hall.service.database.reading() as tx:
                plan = "\n".join(str(row["QUERY PLAN"]) for row in await tx.rows(f"explain {sql}", **values))
            assert "Seq Scan" not in plan, plan
            assert f"collection_{'payer' if asked['payer_id'] else 'person'}" in plan, plan


FILL = (
    """insert into submission (pool, submission_id, channel, reference, bill_no, amount_fen, paid_at, message,
        received_at)
    select '140522', cast(lpad(to_hex(n), 32, '0') as uuid), 'wechat', n, '140522' || n, 100, now(), '{}', now()
    from generate_series(1, 6000) as n""",
    """insert into bill (pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen,
        lines, "window", status, issued_at, version)
    select '140522', '140522' || n, cast(lpad(to_hex(n), 32, '0') as uuid), 's' || n,
        cast(lpad(to_hex(n % 1500), 32, '0') as uuid), 'u', '140522108200', 100, 100, '[]', '{}', 'open', now(), 1
    from generate_series(1, 6000) as n""",
    """insert into collection (pool, collection_id, submission_id, channel, method, bill_no, scheme, person_id, region,
        amount_fen, released_fen, refunding_fen, refunded_fen, payer_name, payer_id, paid_at, booked_at, outcome,
        settles, receipt_no, version)
    select '140522', submission_id, submission_id, channel, 'jsapi', bill_no, 's',
        cast(lpad(to_hex(cast(reference as int) % 1500), 32, '0') as uuid), '140522108200', 100, 0, 0, 0, 'p',
        cast(lpad(to_hex(cast(reference as int) % 1500), 32, '0') as uuid), now(), now(), 'settled', bill_no,
        'B-' || reference, 1
    from submission""",
    """insert into receipt (pool, book_code, number, receipt_no, collection_id, bill_no, person_id, payer_name,
        amount_fen, issued_at, issued_by)
    select '140522', 'B', cast(substr(receipt_no, 3) as bigint), receipt_no, collection_id, bill_no, person_id, 'p',
        100, now(), 'x' from collection""",
    """insert into refund (pool, refund_id, application_id, collection_id, scheme, method, state, amount_fen, paid_to,
        paid_by, submitted_at, waiting_since, asked_at, tries, version)
    select '140522', collection_id, collection_id, collection_id, 's', 'wechat', 'submitted', 100, 'p', 'x', now(),
        now(), now(), 0, 1 from collection""",
    """insert into tax_certificate (pool, certificate_id, collection_id, certificate_no, filled_on, recorded_by,
        recorded_at)
    select '140522', collection_id, collection_id, 'c', current_date, 'x', now() from collection""",
    "analyze submission, bill, collection, receipt, refund, tax_certificate",
)
