"""The tax bureau is told what is to be collected (核定推送): batch and line are the key, good lines are kept, bad ones
come back, and whoever does not know whether a batch came asks before sending it again."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.simulators import tax_refunds
from services.payments.formats.tax_assessments import AssessmentLine, AssessmentWire
from services.payments.formats.tax_envelope import elements
from services.payments.rules.tax_assessments import TaxLineKind
from tests.payments_town import POOL, Counter, issue_bills
from tests.suite import close_app
from tests.treasury_town import TreasuryTown
from tests.wechat_town import Line

Json = dict[str, Any]


class OfficeTown(TreasuryTown):
    """The bureau takes assessments, too."""

    def __init__(self, databases: dict[str, str], keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAYMENTS_TAX_OFFICE", tax_refunds.office_settings("http://tax", keys))
        settings = {"agency": "1140522000", "most_lines": 3, "ask_seconds": 0.000001}
        monkeypatch.setenv("PAYMENTS_TAX_ASSESSMENTS", json.dumps(settings))
        super().__init__(databases, keys, monkeypatch)
        self.office = Line(self.line._through)
        self.suite._transports["tax"] = self.office
        self.suite.apps["payments"] = self.suite.make_app("payments")

    async def told(self, **params: Any) -> dict[str, str]:
        """What the bureau was told of bills, by the last line of each."""
        answer = await self.clerk().get("/v1/tax-assessments", params={"pool": POOL, **params})
        assert answer.status_code == 200, answer.text
        return {item["bill_no"]: f"{item['kind']} {item['state']}" for item in answer.json()["items"]}

    async def collects(self) -> dict[str, str]:
        """What the bureau collects."""
        bills: dict[str, str] = (await self.bureau.get("/control/assessments")).json()["bills"]
        return bills

    async def arrange(self, outcome: str) -> None:
        await self.bureau.post("/control/assessments", json={"outcome": outcome})


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OfficeTown]:
    opened = OfficeTown(databases, tmp_path / "keys", monkeypatch)
    yield opened
    assert await opened.broken() == []
    await opened.suite.close()


async def test_bills_go_out_in_batches_and_their_results_come_back(town: OfficeTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 4 + [0])
    await town.work()
    assert await town.collects() == {bill.bill_no: "320.00" for bill in bills[:4]}
    assert await town.told() == {bill.bill_no: "save kept" for bill in bills[:4]}
    assert len((await town.bureau.get("/control/assessments")).json()["batches"]) == 2
    calls = len(town.office.calls)
    await town.work()
    assert len(town.office.calls) == calls  # nothing has changed since


async def test_what_was_paid_elsewhere_is_cancelled_and_what_the_bureau_collected_is_not(town: OfficeTown) -> None:
    elsewhere, by_bureau, still_open = await issue_bills(town.suite, [32000] * 3)
    await town.work()
    counter = await Counter.open(town.suite)
    assert (await counter.take([elsewhere])).status_code == 201
    await town.collect({"bill_no": by_bureau.bill_no})
    await town.work()
    assert await town.told() == {
        elsewhere.bill_no: "cancel kept",
        by_bureau.bill_no: "save kept",
        still_open.bill_no: "save kept",
    }
    assert set(await town.collects()) == {by_bureau.bill_no, still_open.bill_no}


async def test_a_bad_line_comes_back_with_its_reason_and_goes_again_when_it_is_mended(town: OfficeTown) -> None:
    good, bad = await issue_bills(town.suite, [32000] * 2)
    await town.bureau.post("/control/assessments/refuse", json={"bill_no": bad.bill_no})
    await town.work()
    assert await town.told(state="refused") == {bad.bill_no: "save refused"}
    assert set(await town.collects()) == {good.bill_no}
    shown = (await town.clerk().get("/v1/tax-assessments", params={"pool": POOL, "state": "refused"})).json()
    assert shown["items"][0]["reason"] == "参保人未登记"
    path, order = f"/v1/tax-assessments/{bad.bill_no}/repeat", {"pool": POOL, "note": "税务局已补登记"}
    stranger = await town.post(path, order, town.clerk(area="140300"))
    assert (stranger.status_code, stranger.json()["code"]) == (403, "area_forbidden")
    await town.bureau.post("/control/assessments/allow", json={"bill_no": bad.bill_no})
    assert (await town.post(path, order)).json()["state"] == "repeated"
    twice = await town.post(path, order)
    assert (twice.status_code, twice.json()["code"]) == (409, "tax_assessment_not_refused")
    await town.work()
    assert await town.told() == dict.fromkeys((good.bill_no, bad.bill_no), "save kept")
    assert set(await town.collects()) == {good.bill_no, bad.bill_no}


async def test_a_payment_is_confirmed_whether_the_bureau_was_told_or_not(town: OfficeTown) -> None:
    told, refused = await issue_bills(town.suite, [32000] * 2)
    await town.bureau.post("/control/assessments/refuse", json={"bill_no": refused.bill_no})
    await town.work()
    [late] = await issue_bills(town.suite, [32000])
    paid = await town.collect(*({"bill_no": bill.bill_no} for bill in (told, refused, late)))
    assert {one["outcome"] for one in paid} == {"settled"}


@pytest.mark.parametrize("outcome", ["unknown", "lost", "code_999", "at_once"])
async def test_a_batch_whose_fate_is_unknown_is_asked_about_under_its_number(town: OfficeTown, outcome: str) -> None:
    bills = await issue_bills(town.suite, [32000] * 2)
    await town.arrange(outcome)
    await town.work()
    assert await town.told() == {bill.bill_no: "save kept" for bill in bills}
    assert len((await town.bureau.get("/control/assessments")).json()["batches"]) == 1


async def test_a_batch_refused_for_one_line_sends_the_others_again(town: OfficeTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    await town.arrange("missing_field")
    await town.work()
    states = await town.told()
    assert sorted(states.values()) == ["save kept", "save kept", "save refused"]
    assert len(await town.collects()) == 2
    assert set(states) == {bill.bill_no for bill in bills}


async def test_whoever_dies_after_the_bureau_took_a_batch_sends_no_second(town: OfficeTown) -> None:
    [bill] = await issue_bills(town.suite, [32000])

    def die(request: httpx.Request) -> None:
        raise httpx.ReadError("the process is gone", request=request)

    town.office.after = die
    jobs = {job.name: job for job in town.suite.apps["payments"].state.jobs}
    await jobs["gather_tax_assessments"].work()
    await jobs["push_tax_assessments"].work()
    assert await town.told() == {bill.bill_no: "save waiting"}
    town.office.mend()
    other = town.suite.make_app("payments")  # another worker takes over
    for job in other.state.jobs:
        if "assess" in job.name:
            while await job.work():
                pass
    assert await town.told() == {bill.bill_no: "save kept"}
    assert len((await town.bureau.get("/control/assessments")).json()["batches"]) == 1
    await close_app(other)


async def test_two_workers_at_once_tell_each_bill_once(town: OfficeTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 7)
    jobs = {job.name: job for job in town.suite.apps["payments"].state.jobs}
    await asyncio.gather(*(jobs["gather_tax_assessments"].work() for _ in range(4)))
    async with town.service.database.reading() as tx:
        rows = await tx.rows("select bill_no from tax_batch_line")
    assert sorted(row["bill_no"] for row in rows) == sorted(bill.bill_no for bill in bills)
    await town.work()


def test_a_batch_is_written_under_the_names_that_the_settings_give() -> None:
    constants = {"agency": "A1", "insurance": "390", "item": "10212", "sub_item": "102120001", "detail_item": ""}
    wire = AssessmentWire(constants, {"batch_no": "PCH", "amount": "je"}, frozenset({"1"}), frozenset({"0"}))
    line = AssessmentLine(
        line_no=1,
        kind=TaxLineKind.SAVE,
        bill_no="140522X",
        version=2,
        unit="V1",
        person="P1",
        amount_fen=32005,
        due=date(2021, 12, 25),
        period=(date(2022, 1, 1), date(2022, 12, 31)),
    )
    said = json.loads(wire.write("B1", date(2021, 9, 1), [line]))
    assert (said["PCH"], said["deleteGryzmxGrid"]) == ("B1", [])
    [written] = said["insertGryzmxGrid"]
    assert (written["je"], written["sbYzXh"], written["sbYzmxXh"]) == ("320.05", "140522X", "140522X-2")
    assert (written["zsxmDm"], written["sfssqQsrq"], written["jkQx"]) == ("10212", "2022-01-01", "2021-12-25")
    with pytest.raises(ValueError, match="no field"):
        AssessmentWire(constants, {"nothing": "x"}, frozenset(), frozenset())


@pytest.mark.parametrize("line_no", ["1e999", "1.5", "-1", "true", '"9999999999"', '"一"', "null", "[1]"])
@pytest.mark.parametrize("answer", ['{"results": {"v": {"xh": %s}}}', '{"fkxx": {"xh": %s}}'])
def test_a_line_without_a_number_makes_the_answer_unreadable_and_breaks_nothing(answer: str, line_no: str) -> None:
    wire = AssessmentWire({}, {}, frozenset({"1"}), frozenset({"0"}))
    with pytest.raises(ValueError, match="line"):
        wire.read((answer % line_no).encode())
    assert wire.read((answer % '"7"').encode()).code == ""


@pytest.mark.channel("tax: object or array")
@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=3), min_size=1).filter(lambda one: set(one) != {"v"})
    )
)
def test_a_list_made_out_of_xml_is_read_however_many_it_has(items: list[Json]) -> None:
    shapes: list[Any] = [items, {"v": items}]
    if len(items) == 1:
        shapes += [items[0], {"v": items[0]}]
    if not items:
        shapes += [None, "", {"v": None}, {"v": ""}]
    assert all(elements(shape) == items for shape in shapes)
