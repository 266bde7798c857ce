"""What the treasury posts (3126): a day counts whole or not at all, a day sent again replaces the one before, and one
voucher covers many people."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.simulators import treasury_wire
from services.payments.formats.tips import PackageUnreadable, RefundLine, RefundPackage, Tips, TrailerWrong
from tests.payments_town import POOL, Counter, issue_bills
from tests.suite import ROOT
from tests.treasury_town import OFFICE, PAID, POSTED, TreasuryTown, open_treasury

VECTORS = json.loads((ROOT / "tests/vectors/gov.json").read_text(encoding="utf-8"))
KEY = VECTORS["sm3_key"].encode()
DAY = date(2021, 12, 6)


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TreasuryTown]:
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


# Bytes


def test_the_published_messages_are_read_and_written_byte_for_byte() -> None:
    tips = Tips(KEY)
    posted = tips.read(VECTORS["3126"].encode("gbk"))
    assert (posted.office, posted.day, posted.parts, posted.told_count) == ("14306020000", date(2026, 10, 2), 1, 1)
    assert [(line.voucher_no, line.amount_fen) for line in posted.lines] == [("343065261000000001", 40000)]
    answer = tips.read(VECTORS["9110"].encode("gbk"))
    assert [(line.order_no, line.success) for line in answer.lines] == [("00000001", True)]
    day = date(2026, 10, 2)
    line = RefundLine(
        tra_no="00000001",
        treasury_code="1906020000",
        bank_no="102557000015",
        opening_bank_no="102557000015",
        account="6222000000000000001",
        payee_name="张三",
        payer_code="P00000001",
        payer_name="张三",
        draw_back_no="00000123",
        new_voucher_no="343065261000000002",
        voucher_no="343065261000000001",
        amount_fen=40000,
        bill_day=day,
        budget_type="1",
        budget_subject="1021201",
        budget_level="4",
        basis="重复参保退费",
        reason_code="1",
    )
    package = RefundPackage(
        "111111111111", "100000000000", "20261002000000000002", "14306020000", day, "00000007", 1, [line]
    )
    assert tips.write_refunds(package) == VECTORS["1104"].encode("gbk")


def test_the_simulator_writes_what_was_published() -> None:
    row = [("343065261000000001", 40000)]
    one = treasury_wire.posted(
        "14306020000", "1906020000", "20261002", "00000001", (1, 1), 1, row, "20261002000000000001"
    )
    assert treasury_wire.seal(one, KEY) == VECTORS["3126"].encode("gbk")
    line = (
        ("OriTraNo", "00000001"),
        ("TraAmt", "400.00"),
        ("PaperTaxVouNo", ""),
        ("ElectroTaxVouNo", "343065261000000002"),
        ("Result", "90000"),
        ("AddWord", ""),
    )
    ids = ("20261002000000000003", "20261002000000000002")
    two = treasury_wire.refund_answer("20261002", "00000007", ("90000", "处理成功"), [line], 40000, ids)
    assert treasury_wire.seal(two, KEY) == VECTORS["9110"].encode("gbk")


@pytest.mark.parametrize("number", ["3126", "9110"])
def test_every_altered_byte_shows(number: str) -> None:
    tips, raw = Tips(KEY), VECTORS[number].encode("gbk")
    for place in range(0, len(raw), 7):
        with pytest.raises(TrailerWrong):
            tips.read(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<TraAmt>400.00", "<TraAmt>400"),
        ("<TraAmt>400.00", "<TraAmt>4e2"),
        ("<TraAmt>400.00", "<TraAmt>400.00</TraAmt><TraAmt>1.00"),
        ("<InTreDate>20261002", "<InTreDate>20261032"),
        ("<ChildPackNum>1", "<ChildPackNum>-1"),
        ("<CurPackNo>1</CurPackNo>", ""),
        ("<MsgNo>3126", "<MsgNo>1001"),
        ("<TaxOrgCode>14306020000", "<TaxOrgCode>"),
        ("</BillHead3126>", "</BillHead3126"),
        ("<CFX>", "<!DOCTYPE CFX [<!ENTITY a 'b'>]><CFX>"),
        ('encoding="GBK"', 'encoding="UTF-16"'),
    ],
)
def test_what_is_no_package_is_said_to_be_none(old: str, new: str) -> None:
    xml = VECTORS["3126"].rpartition("<!--")[0]
    assert old in xml
    with pytest.raises(PackageUnreadable):
        Tips(KEY).read(treasury_wire.seal(xml.replace(old, new, 1), KEY))


@given(st.binary(max_size=300))
def test_no_bytes_behind_a_right_trailer_are_a_crash(junk: bytes) -> None:
    with pytest.raises(PackageUnreadable):
        Tips(KEY).read(junk + f"<!--{treasury_wire.trailer(junk, KEY)}-->".encode())


@given(st.data())
def test_no_package_with_something_else_in_it_is_a_crash(data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(["3126", "9110"]))
    pieces = VECTORS[number].rpartition("<!--")[0].replace("><", ">\x00<").split("\x00")
    place = data.draw(st.integers(0, len(pieces) - 1))
    pieces[place : place + data.draw(st.integers(0, 3))] = [data.draw(st.text(max_size=12))]
    xml = "".join(pieces).encode("gbk", errors="replace")
    with suppress(PackageUnreadable):
        assert Tips(KEY).read(xml + f"<!--{treasury_wire.trailer(xml, KEY)}-->".encode()).message == number


# Days


async def test_money_is_paid_then_posted_then_remitted_each_at_its_own_time(town: TreasuryTown) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    [paid] = await town.collect({"bill_no": bill.bill_no, "voucher_no": "V1"})
    [before] = await town.times(paid["collection_id"])
    assert (before.arrived_on, before.posted_on, before.remitted_on, before.voucher) == (None, None, None, "V1")
    package = await town.post_day()
    assert (package["state"], package["parts_arrived"], package["found_fen"]) == ("accepted", [1], 32000)
    assert await town.vouchers() == {"V1": "matched"}
    order = {"pool": POOL, "office": OFFICE, "posted_on": POSTED, "remitted_on": "2021-12-10", "amount_fen": 32000}
    wrong = await town.post("/v1/treasury/remitted", order | {"amount_fen": 32001, "document_no": "SJ1"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "remitted_amount_differs")
    remitted = await town.post("/v1/treasury/remitted", order | {"document_no": "SJ1"})
    assert remitted.status_code == 201, remitted.text
    assert (await town.post("/v1/treasury/remitted", order | {"document_no": "SJ2"})).status_code == 409
    [after] = await town.times(paid["collection_id"])
    assert (after.posted_on, after.remitted_on) == (DAY, date(2021, 12, 10))
    checker = town.clerk("payments:check", "checker-li")
    path = f"/v1/treasury/remitted/{remitted.json()['remitted_id']}/withdraw"
    herself = await town.post(path, {"pool": POOL, "reason": "日期有误"}, town.clerk("payments:check"))
    assert (herself.status_code, herself.json()["code"]) == (409, "four_eyes")
    assert (await town.post(path, {"pool": POOL, "reason": "日期有误"}, checker)).status_code == 200
    assert (await town.times(paid["collection_id"]))[0].remitted_on is None


async def test_money_arrives_when_its_own_way_ends(town: TreasuryTown) -> None:
    """Etax by the accepted list of its day, cards with their shift, cash with its confirmed deposit slip."""
    bills = await issue_bills(town.suite, [32000] * 3)
    [etax] = await town.collect({"bill_no": bills[0].bill_no})
    counter = await Counter.open(town.suite)
    cash, card = [
        (await counter.take([bill], pos=pos)).json()["items"][0]["collection_id"]
        for bill, pos in ((bills[1], None), (bills[2], "s1"))
    ]
    ids = [etax["collection_id"], cash, card]
    assert [one.arrived_on for one in await town.times(*ids)] == [None, None, None]
    listed = await town.bureau.get("/control/statement", params={"day": PAID})
    about = {"pool": POOL, "channel": "etax", "day": PAID, "file_name": "list.csv"}
    headers = {"Idempotency-Key": "s-1"}
    handed = await town.clerk().post("/v1/statements", params=about, content=listed.content, headers=headers)
    assert handed.status_code == 201, handed.text
    await town.work()
    shift = (await counter.close(50000 + 32000)).json()
    assert [one.arrived_on for one in await town.times(*ids)] == [DAY, None, DAY]
    slip = {"pool": POOL, "from_account": "held/counter/HALL01", "to": "special_account", "shifts": [shift["shift_id"]]}
    money = {"total_fen": 32000, "paid_on": "2021-12-07", "bank_reference": "XJ-1"}
    town.suite.set_clock("2021-12-07 10:00")
    written = (await town.post("/v1/remittances", slip | money)).json()
    assert (await town.times(cash))[0].arrived_on is None
    checked = await town.clerk("payments:check", "county-sun").post(
        f"/v1/remittances/{written['remittance_id']}/check",
        json={"pool": POOL, "result": "confirmed"},
        headers={"Idempotency-Key": "c-1", "If-Match": '"1"'},
    )
    assert checked.status_code == 200, checked.text
    assert [one.arrived_on for one in await town.times(*ids)] == [DAY, date(2021, 12, 7), DAY]


@pytest.mark.channel("tax: parts")
async def test_a_day_of_1001_rows_counts_only_when_both_parts_have_come(town: TreasuryTown) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    [paid] = await town.collect({"bill_no": bill.bill_no, "voucher_no": "V0000"})
    rows = [{"pool": POOL, "posted_on": POSTED, "voucher_no": f"V{n:04d}", "amount_fen": 100} for n in range(1, 1001)]
    await town.bureau.post("/control/treasury/postings", json={"items": rows})
    first, second = await town.printed(part=1), await town.printed(part=2)
    half = (await town.hand_in(second)).json()  # the second before the first
    assert (half["state"], half["parts"], half["parts_arrived"], half["told_count"]) == ("incomplete", 2, [2], 1001)
    assert (await town.times(paid["collection_id"]))[0].posted_on is None
    assert "V0000" not in await town.vouchers(result="matched")
    assert "treasury_package_is_whole" not in await town.alarms()
    town.suite.set_clock("2021-12-08 11:00")
    assert (await town.alarms())["treasury_package_is_whole"] == 1
    again = await town.hand_in(second)
    assert (again.status_code, again.json()["parts_arrived"]) == (200, [2])
    whole = (await town.hand_in(first)).json()
    assert (whole["state"], whole["parts_arrived"], whole["found_count"]) == ("accepted", [1, 2], 1001)
    assert (await town.times(paid["collection_id"]))[0].posted_on == DAY
    assert len(await town.vouchers(result="ours_missing")) == 1000


@pytest.mark.channel("tax: sent again")
async def test_a_day_sent_again_replaces_the_day(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    paid = await town.collect(*({"bill_no": bill.bill_no, "voucher_no": f"V{n}"} for n, bill in enumerate(bills)))
    ids = [one["collection_id"] for one in paid]
    first = await town.printed()
    assert (await town.hand_in(first)).status_code == 201
    assert await town.vouchers() == {"V0": "matched", "V1": "matched", "V2": "matched"}
    changed = (await town.hand_in(await town.printed(issue=2, faults="changed"))).json()
    assert (changed["state"], changed["found_count"]) == ("accepted", 2)
    town.suite.set_clock("2021-12-20 10:00")  # past the days that the treasury has
    assert await town.vouchers() == {"V0": "amount_differs", "V1": "matched", "V2": "treasury_missing"}
    assert [one.posted_on for one in await town.times(*ids)] == [None, DAY, None]
    assert (await town.alarms())["voucher_sums_agree"] == 1
    # The first file once more, late on the line, is no news.
    late = await town.hand_in(first)
    assert (late.status_code, late.json()["state"]) == (200, "replaced")
    assert (await town.vouchers())["V1"] == "matched"
    await town.hand_in(await town.printed(issue=3))
    assert set((await town.vouchers()).values()) == {"matched"}
    states = [(one["pack_no"][-1], one["state"]) for one in await town.packages()]
    assert states == [("1", "replaced"), ("2", "replaced"), ("3", "accepted")]


async def test_a_part_sent_again_with_other_rows_begins_the_package_anew(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    await town.collect(*({"bill_no": bill.bill_no, "voucher_no": f"V{n}"} for n, bill in enumerate(bills)))
    one, two = [await town.printed(part=part, max_rows=2) for part in (1, 2)]
    await town.hand_in(one)
    await town.hand_in(two)
    assert set((await town.vouchers()).values()) == {"matched"}
    # The treasury corrects its day under the same number: until all of it is here, the day stands as it was.
    await town.handed_over("V2", 100)
    one_again, two_again = one, await town.printed(part=2, max_rows=2)
    assert (await town.hand_in(two_again)).json()["state"] == "incomplete"
    assert set((await town.vouchers()).values()) == {"matched"}
    whole = (await town.hand_in(one_again)).json()
    assert (whole["state"], whole["issue"], whole["parts_arrived"]) == ("accepted", 2, [1, 2])
    assert await town.vouchers() == {"V0": "matched", "V1": "matched", "V2": "amount_differs"}


async def test_an_older_package_that_becomes_whole_late_gives_way(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    await town.collect(*({"bill_no": bill.bill_no, "voucher_no": f"V{n}"} for n, bill in enumerate(bills)))
    one, two = [await town.printed(part=part, max_rows=2) for part in (1, 2)]
    await town.hand_in(one)
    assert (await town.hand_in(await town.printed(issue=2))).json()["state"] == "accepted"
    [older, newer] = await town.packages()
    assert (older["state"], newer["state"]) == ("replaced", "accepted")
    assert (await town.hand_in(two)).json()["state"] == "incomplete"
    assert (await town.packages(state="accepted")) == [newer]


async def test_a_package_that_differs_from_its_own_figures_never_counts(town: TreasuryTown) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    [paid] = await town.collect({"bill_no": bill.bill_no, "voucher_no": "V1"})
    differs = (await town.hand_in(await town.printed(faults="wrong_count"))).json()
    assert (differs["state"], differs["told_count"], differs["found_count"]) == ("differs", 2, 1)
    assert (await town.times(paid["collection_id"]))[0].posted_on is None
    town.suite.set_clock("2021-12-09 10:00")
    assert (await town.alarms())["treasury_package_is_whole"] == 1
    assert (await town.hand_in(await town.printed(issue=2))).json()["state"] == "accepted"
    assert "treasury_package_is_whole" not in await town.alarms()


@pytest.mark.parametrize(
    ("fault", "code"), [("bad_trailer", "treasury_trailer_wrong"), ("cut_end", "treasury_trailer_wrong")]
)
async def test_an_altered_or_cut_file_leaves_nothing_behind(town: TreasuryTown, fault: str, code: str) -> None:
    refused = await town.hand_in(await town.printed(faults=fault))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await town.packages() == []


async def test_parts_that_come_at_once_are_one_package(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 4)
    await town.collect(*({"bill_no": bill.bill_no, "voucher_no": f"V{n}"} for n, bill in enumerate(bills)))
    parts = [await town.printed(part=part, max_rows=1) for part in (1, 2, 3, 4)]
    answers = await asyncio.gather(*(town.hand_in(raw) for raw in (*parts, *parts)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201] * 4
    [package] = await town.packages()
    assert (package["state"], package["parts_arrived"]) == ("accepted", [1, 2, 3, 4])


async def test_two_packages_of_a_day_at_once_leave_one_that_counts(town: TreasuryTown) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    await town.collect({"bill_no": bill.bill_no, "voucher_no": "V1"})
    raws = [await town.printed(issue=issue) for issue in (1, 2, 3)]
    answers = await asyncio.gather(*(town.hand_in(raw) for raw in raws))
    assert {answer.status_code for answer in answers} == {201}
    assert len(await town.packages(state="accepted")) == 1
    assert await town.vouchers() == {"V1": "matched"}


async def test_a_package_belongs_to_the_pool_of_its_office(town: TreasuryTown) -> None:
    raw = await town.printed()
    other = town.clerk(area="140300")
    wrong = await town.hand_in(raw, pool="140300", client=other)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "treasury_package_of_another_pool")
    stranger = await town.hand_in(raw, client=other)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "area_forbidden")
    reader = await town.hand_in(raw, client=town.clerk("payments:read"))
    assert reader.status_code == 403
    assert await town.packages() == []


# Vouchers


async def test_one_voucher_covers_many_people_and_their_sum_decides(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000, 12000])
    unknown = "9" * 22  # of no pool that we know: the money is under the voucher all the same
    paid = await town.collect(
        *({"bill_no": bill.bill_no, "amount_fen": bill.amount_fen, "voucher_no": "V1"} for bill in bills),
        {"bill_no": unknown, "amount_fen": 5000, "voucher_no": "V1"},
    )
    await town.handed_over("V1", 5000)  # the bureau's own sum is that of the pool alone
    await town.post_day()
    assert await town.vouchers() == {"V1": "matched"}
    times = await town.times(*(one["collection_id"] for one in paid[:2]))
    assert [one.posted_on for one in times] == [DAY, DAY]
    [lost] = await town.times(paid[2]["collection_id"], pool="000000")
    assert lost.posted_on == DAY


async def test_a_confirmation_that_comes_after_the_posting_still_counts(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000, 32000])
    [first] = await town.collect({"bill_no": bills[0].bill_no, "voucher_no": "V1"})
    await town.handed_over("V1", 32000)
    await town.post_day()
    assert (await town.vouchers()) == {"V1": "amount_differs"}
    assert (await town.times(first["collection_id"]))[0].posted_on is None
    [second] = await town.collect(
        {"bill_no": bills[1].bill_no, "voucher_no": "V1", "paid_at": "2021-12-04T23:59:59+08:00"}
    )
    assert (await town.vouchers()) == {"V1": "matched"}
    assert {one.posted_on for one in await town.times(first["collection_id"], second["collection_id"])} == {DAY}


async def test_the_agency_hands_a_day_of_another_channel_over_under_one_voucher(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000, 32000, 30000])
    counter = await Counter.open(town.suite)
    ids = [(await counter.take([bill])).json()["items"][0]["collection_id"] for bill in bills]
    day = "2021-12-06"
    order = {"pool": POOL, "voucher_no": "H1", "handed_on": day, "covers": {"channel": "counter", "day": day}}
    wrong = await town.post("/v1/treasury/vouchers", order | {"amount_fen": 93999})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "voucher_amount_differs")
    assert "94000" in wrong.json()["detail"]
    answers = await asyncio.gather(
        *(town.post("/v1/treasury/vouchers", order | {"amount_fen": 94000, "voucher_no": no}) for no in ("H1", "H2"))
    )
    first, second = sorted(answer.status_code for answer in answers)
    assert (first, second in (409, 422)) == (201, True)
    voucher = next(answer.json() for answer in answers if answer.status_code == 201)
    assert (voucher["collections_count"], voucher["amount_fen"]) == (3, 94000)
    assert (await town.times(*ids))[0].voucher == voucher["voucher_no"]
    await town.handed_over(voucher["voucher_no"], 94000)
    await town.post_day()
    assert [one.posted_on for one in await town.times(*ids)] == [DAY] * 3
    explicit = {"collection_ids": ids[:1]}
    again = await town.post("/v1/treasury/vouchers", order | {"amount_fen": 32000, "covers": explicit})
    assert (again.status_code, again.json()["code"]) == (409, "already_under_voucher")
    checker = town.clerk("payments:check", "checker-li")
    path = f"/v1/treasury/vouchers/{voucher['voucher_id']}/withdraw"
    stranger = town.clerk("payments:check", "checker-li", "140300")
    assert (await town.post(path, {"pool": POOL, "reason": "凭证号有误"}, stranger)).status_code == 403
    herself = await town.post(path, {"pool": POOL, "reason": "凭证号有误"}, town.clerk("payments:check"))
    assert (herself.status_code, herself.json()["code"]) == (409, "four_eyes")
    assert (await town.post(path, {"pool": POOL, "reason": "凭证号有误"}, checker)).status_code == 200
    assert (await town.times(*ids))[0].posted_on is None
    fresh = await town.post(
        "/v1/treasury/vouchers",
        order | {"amount_fen": 94000, "voucher_no": voucher["voucher_no"], "covers": {"collection_ids": ids}},
    )
    assert fresh.status_code == 201, fresh.text
    assert (await town.times(*ids))[0].posted_on == DAY


async def test_the_last_second_of_a_day_belongs_to_the_day(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000, 32000])
    counter = await Counter.open(town.suite)
    for bill, moment in zip(bills, ("2021-12-06T23:59:59+08:00", "2021-12-07T00:00:00+08:00"), strict=True):
        town.suite.set_clock(moment)
        assert (await counter.take([bill])).status_code == 201
    order = {"pool": POOL, "voucher_no": "H1", "handed_on": "2021-12-07", "amount_fen": 32000}
    answer = await town.post("/v1/treasury/vouchers", order | {"covers": {"channel": "counter", "day": "2021-12-06"}})
    assert (answer.status_code, answer.json().get("collections_count")) == (201, 1), answer.text
