"""Older terminals speak JSON made out of XML, and an event id that comes with another content rings until it is
explained."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.formats.tax_envelope import EnvelopeUnreadable, read_items, read_message, write_list
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite
from tests.tax_bureau import Bureau, event
from tests.tax_town import Town, keys_of, open_town

Json = dict[str, Any]
TERMINALS = "/v1/channels/tax/terminals"
QUERY, CONFIRM = "000300860006", "000300860007"


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setenv("PAYMENTS_TAX_TERMINAL", "{}")
    async with open_town(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


def paid(bill: IssuedBill, number: int, **changes: Any) -> Json:
    """A payment under the terminals' names."""
    return {
        "spuuid": f"T-{number}",
        "yzpzxh": bill.bill_no,
        "sjje": "320.00",
        "jksj": "2021-12-05T10:00:00+08:00",
        "dzsphm": "314052211000000001",
        "xm": "王小明",
        **changes,
    }


def message(v: Any, code: str = CONFIRM, **request: Any) -> Json:
    return {"head": {"serviceCode": code}, "body": {"request": {"jfxxlist": {"v": v}, **request}}}


async def said(town: Town, body: Json, **signing: Any) -> tuple[str, Any]:
    """What payments answers: its code, and the list."""
    answer = await town.channel.send(TERMINALS, body, **signing)
    assert answer.status_code == 200, answer.text
    data = answer.json()
    return data["head"]["retCode"], data["body"]["response"].get("jfxxlist", {}).get("v")


@pytest.mark.channel("tax: object or array")
async def test_one_payment_comes_as_an_object_and_several_as_an_array(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    code, one = await said(town, message(paid(bills[0], 1)))
    assert (code, one["spuuid"], one["fhm"], one["fhxx"]) == ("000000", "T-1", "0", "settled")
    code, two = await said(town, message([paid(bills[1], 2), paid(bills[2], 3)]))
    assert (code, [item["fhxx"] for item in two]) == ("000000", ["settled", "settled"])
    # The same as before, in the other shape, is the same payment.
    assert await said(town, message([paid(bills[0], 1)])) == ("000000", one)
    assert await town.count("collection") == 3
    async with town.app.state.service.database.reading() as tx:
        assert await tx.value("select count(*) from collection_voucher where voucher_no = '314052211000000001'") == 3


@pytest.mark.channel("tax: object or array")
async def test_a_terminal_asks_for_bills_by_number_or_person(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000, 30000], name_masked="王*明")
    code, one = await said(town, message({"yzpzxh": bills[0].bill_no}, QUERY))
    assert (code, one["yzpzxh"], one["sjje"], one["xm"]) == ("000000", bills[0].bill_no, "320.00", "王*明")
    asked = [{"rybm": str(bill.person_id)} for bill in bills]
    _, both = await said(town, message(asked, QUERY))
    assert sorted(item["sjje"] for item in both) == ["300.00", "320.00"]
    assert (await (await Counter.open(town.suite)).take(bills[:1])).status_code == 201
    assert await said(town, message({"yzpzxh": bills[0].bill_no}, QUERY)) == ("000000", [])
    nothing: Any
    for nothing in ({"yzpzxh": "x"}, {"rybm": "x"}, {"yzpzxh": 7}, "junk", []):
        assert await said(town, message(nothing, QUERY)) == ("000000", [])


async def test_a_bad_item_is_answered_in_its_place(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 2)
    items = [
        paid(bills[0], 1),
        paid(bills[1], 2, sjje="320"),
        paid(bills[1], 3, sjje="-320.00"),
        paid(bills[1], 4, sjje=f"{'9' * 4400}.00"),
        "junk",
        paid(bills[0], 1, sjje="320.01"),
    ]
    code, answers = await said(town, message(items))
    assert code == "000000"
    assert [item["fhxx"] for item in answers] == [
        "settled",
        "malformed",
        "malformed",
        "malformed",
        "malformed",
        "event_id_reused",
    ]
    assert await town.count("collection") == 1


@pytest.mark.rule("S004-19")
@pytest.mark.parametrize(
    ("items", "code", "said_of_it"),
    [
        ("{}", {"zsxmDm": "10212"}, "settled"),
        ("{}", {"zsxmdm": "10212"}, "settled"),
        ("{}", {}, "settled"),
        ("{}", {"zsxmDm": ""}, "settled"),
        ("{}", {"zsxmDm": "10210"}, "wrong_scheme"),
        ("{}", {"zsxmdm": 10210}, "wrong_scheme"),
        ('{"items": {"10212": ["yangcheng-2022"]}}', {"zsxmDm": "10212"}, "settled"),
        ('{"items": {"10212": ["example-2031"]}}', {"zsxmDm": "10212"}, "wrong_scheme"),
    ],
)
async def test_money_under_another_code_waits_in_suspense(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: str, code: Json, said_of_it: str
) -> None:
    monkeypatch.setenv("PAYMENTS_TAX_TERMINAL", items)
    async with open_town(databases, tmp_path / "keys", monkeypatch) as town:
        [bill] = await issue_bills(town.suite, [32000])
        _, one = await said(town, message(paid(bill, 1, **code)))
        assert (one["fhm"], one["fhxx"]) == ("0", said_of_it)
        assert await said(town, message(paid(bill, 1, **code))) == ("000000", one)
        assert await town.count("collection") == 1


@pytest.mark.parametrize(
    "body", [{}, {"head": {}}, {"head": {"serviceCode": QUERY}, "body": []}, {"head": 1, "body": 2}, message([], "x")]
)
async def test_what_is_no_message_is_told_so_in_the_terminals_shape(town: Town, body: Json) -> None:
    answer = await town.channel.send(TERMINALS, body)
    assert (answer.status_code, answer.json()["head"]["retStatus"]) == (200, "F")


async def test_a_terminal_signs_like_everybody(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    body = message(paid(bill, 1))
    signed = {"nonce": "n-1"}
    first = await town.channel.send(TERMINALS, body, parameters=signed)
    again = await town.channel.send(TERMINALS, body, parameters=signed)
    assert (first.status_code, again.json()) == (200, first.json())
    other = await town.channel.send(TERMINALS, message(paid(bill, 2)), parameters=signed)
    assert (other.status_code, other.json()["code"]) == (401, "nonce_reused")
    stranger = Bureau()
    raw = json.dumps(body).encode()
    headers = stranger.sign(raw, f"{town.channel.client.base_url}".rstrip("/") + TERMINALS)
    assert (await town.channel.client.post(TERMINALS, content=raw, headers=headers)).status_code == 401


async def test_without_settings_there_are_no_terminals(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = Bureau()
    monkeypatch.setenv("PAYMENTS_TAX_KEYS", keys_of(bureau))
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    assert (await Town(suite, bureau).channel.send(TERMINALS, message([]))).status_code == 404
    await suite.close()


@given(st.binary(max_size=200))
def test_no_bytes_are_a_crash(raw: bytes) -> None:
    with pytest.raises(EnvelopeUnreadable):
        read_message(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["v", "jfxxlist", "sjje", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["jfxxlist", "v"]), json_values))
def test_no_request_is_a_crash(request: Json) -> None:
    assert isinstance(read_items(request, {}), list)


@given(st.lists(st.integers(0, 9), max_size=4))
def test_a_list_is_written_as_such_systems_write_it(numbers: list[int]) -> None:
    items = [{"bill_no": str(number)} for number in numbers]
    written = write_list(items, {"bill_no": "bh"})["jfxxlist"]["v"]
    assert written == ({"bh": str(numbers[0])} if len(numbers) == 1 else [{"bh": str(number)} for number in numbers])


# Event ids


async def alarms(town: Town) -> dict[str, int]:
    answer = await town.suite.client("payments", "payments:read").get("/v1/alarms")
    return {item["name"]: item["found"] for item in answer.json()["items"] if item["found"]}


async def conflicts(town: Town, **params: Any) -> list[Json]:
    client = town.suite.client("payments", "payments:read", area=POOL)
    items: list[Json] = (await client.get("/v1/tax-conflicts", params={"pool": POOL, **params})).json()["items"]
    return items


async def explain(town: Town, event_id: str, area: str = POOL) -> httpx.Response:
    client = town.suite.client("payments", "payments:check", user="checker-li", area=area)
    return await client.post(
        f"/v1/tax-conflicts/{event_id}/explain",
        json={"pool": POOL, "note": "税务局确认首次报文金额正确"},
        headers={"Idempotency-Key": f"explain-{event_id}-{area}"},
    )


@pytest.mark.channel("tax: event id")
async def test_an_event_id_with_another_amount_is_refused_and_rings_until_explained(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    first = await town.channel.confirm(event(bill.bill_no))
    assert (await alarms(town)).get("tax_event_ids_agree") is None
    for _ in range(2):
        other = await town.channel.confirm(event(bill.bill_no, amount_fen=32100))
        assert (other.status_code, other.json()["code"]) == (422, "event_id_reused")
    batch = [event(bill.bill_no, amount_fen=32200), event(bill.bill_no), event(bill.bill_no, amount_fen=32200)]
    answers = (await town.channel.confirm_batch(batch)).json()["items"]
    assert [item["outcome"] for item in answers] == ["refused", "settled", "refused"]
    assert (await town.channel.confirm(event(bill.bill_no))).json() == first.json()
    [found] = await conflicts(town)
    assert (found["event_id"], found["times"], found["explained_by"]) == ("TAX-1", 4, None)
    assert sorted({one["amount_fen"] for one in found["said"]}) == [32100, 32200]
    assert found["collection_id"] == first.json()["collection_id"]
    assert (await alarms(town))["tax_event_ids_agree"] == 2
    metrics = (await town.suite.client("payments").get("/metrics")).text
    assert 'channel_messages_total{channel="etax",verdict="event_id_reused"}' in metrics
    assert (await explain(town, "TAX-1", "140300")).status_code == 403
    assert (await explain(town, "TAX-1")).json()["explained_by"] == "checker-li"
    assert (await conflicts(town, explained="false"), len(await conflicts(town, explained="true"))) == ([], 1)
    assert (await alarms(town)).get("tax_event_ids_agree") is None
    assert (await explain(town, "TAX-2")).json()["code"] == "tax_conflict_unknown"
    assert await town.count("collection") == 1
