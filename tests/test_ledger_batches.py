"""Offline batches: what a signed file says is booked once, under the numbers on the paper, however the file comes: cut,
altered, twice, in halves, in another order, taken by two workers or by one that dies."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local import offline
from deploy.local.season.signing import Device
from services.payments.formats import ledger_batches as formats
from services.payments.usecases import ledger_batches as usecase
from shared import evidence
from shared.ids import new_id
from shared.problem import Problem
from tests.payments_agents import AT, Agent, balances, check, checker, close, post, summary
from tests.payments_town import POOL, REGION, Counter, issue_bills
from tests.suite import InProcessSuite, close_app

Line = dict[str, Any]


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-06 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


def batch(of: Agent, lines: Sequence[Line], **other: Any) -> bytes:
    """The file that the agent's telephone makes."""
    about = {"agent": of.name, "batch_no": "1", "made_at": AT, **other}
    return of.device.signed_batch(POOL, of.ledger_id, lines, **about)


async def bring(
    agent: Agent, data: bytes, *, client: httpx.AsyncClient | None = None, key: str | None = None
) -> httpx.Response:
    """Hand the file in."""
    return await (client or agent.client).post(
        f"/v1/ledgers/{agent.ledger_id}/batches",
        params={"pool": POOL, "file_name": "batch.jsonl"},
        content=data,
        headers={"Idempotency-Key": key or str(new_id()), "Content-Type": "application/octet-stream"},
    )


async def take(suite: InProcessSuite) -> None:
    """What the job does."""
    while await usecase.take_ledger_batches(suite.apps["payments"].state.service):
        pass


async def taken(suite: InProcessSuite, agent: Agent, data: bytes) -> list[tuple[int | None, str, str | None]]:
    """Hand it in, let the job take it: number, outcome and reason of each row."""
    answer = await bring(agent, data)
    assert answer.status_code in (200, 201), answer.text
    await take(suite)
    return await results(agent, answer.json()["batch_id"])


async def results(agent: Agent, batch_id: str) -> list[tuple[int | None, str, str | None]]:
    """What became of the rows."""
    answer = await agent.client.get(f"/v1/ledger-batches/{batch_id}/lines", params={"pool": POOL, "limit": 1000})
    return [(row["line_no"], row["outcome"], row["reason"]) for row in answer.json()["items"]]


async def blocks(suite: InProcessSuite, count: int) -> None:
    """Numbers for the agent's paper."""
    body = {"pool": POOL, "book_code": "V1", "region": REGION, "agent": "agent-zhang", "count": count}
    assert (await post(checker(suite, "officer-li"), "/v1/receipt-blocks", body)).status_code == 201


def paper(number: int) -> str:
    return f"V1-{number:08d}"


# ---------------------------------------------------------------- bytes, without a database


_WHOLE = Device("x").signed_batch(POOL, str(new_id()), [{"a": 1}, {"b": "王"}], agent="zhang", batch_no="7", made_at=AT)


def test_a_batch_is_read_as_it_was_made() -> None:
    read = formats.read_batch(_WHOLE)
    assert (read.agent, read.batch_no, [row for row, _ in read.lines]) == ("zhang", "7", [2, 3])
    assert [json.loads(line) for _, line in read.lines] == [{"a": 1}, {"b": "王"}]


def test_a_batch_that_is_cut_anywhere_is_refused() -> None:
    for at in range(1, len(_WHOLE.rstrip())):
        with pytest.raises(formats.BatchUnreadable):
            formats.read_batch(_WHOLE[:at])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\n" * (formats.MOST_LINES + 3), "文件行数过多"),
        (_WHOLE.replace(b'"zhang"', b'"%s"' % (b"z" * 5000), 1), "首行（批次信息）最多 4096 字节"),
        (_WHOLE + b"[" * 5000, "末行（sha256、签名）最多 4096 字节"),
        (b"[" * 5000, "文件不完整"),
    ],
)
def test_what_has_not_the_size_of_a_batch_is_refused_unread(data: bytes, why: str) -> None:
    with pytest.raises(formats.BatchUnreadable, match=re.escape(why)):
        formats.read_batch(data)


def test_an_upload_that_is_too_large_is_refused_unread() -> None:
    upload = evidence.Upload(io.BytesIO(b"12345"), "", 5)
    assert evidence.whole(upload, 5) == evidence.whole(upload, 6) == b"12345"
    upload.file.close()
    with pytest.raises(Problem) as refused:
        evidence.whole(upload, 4)
    assert (refused.value.kind.status, "4" in refused.value.details[1]) == (413, True)


@given(st.integers(0, len(_WHOLE) - 2), st.integers(1, 255))
def test_a_byte_that_was_altered_before_the_foot_is_found(at: int, by: int) -> None:
    start = _WHOLE.rstrip(b"\n").rfind(b"\n")
    if at <= start:
        altered = bytearray(_WHOLE)
        altered[at] ^= by
        with pytest.raises(formats.BatchUnreadable):
            formats.read_batch(bytes(altered))


@settings(max_examples=200)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    for text in (data, _WHOLE + data, data + b"\n" + _WHOLE):
        try:
            formats.read_batch(text)
        except formats.BatchUnreadable:
            continue


# ---------------------------------------------------------------- what is booked


@pytest.mark.rule("S004-25")
async def test_good_lines_are_booked_under_their_papers_and_bad_ones_come_back_as_a_file(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000] * 5)
    agent = await Agent.open(payments)
    await blocks(payments, 5)
    hall = await Counter.open(payments)
    await hall.take([bills[4]])  # paid meanwhile in the hall
    altered = {**agent.pay(3, bills[2], receipt_no=paper(3)), "amount_fen": 1}
    lines = [
        agent.pay(1, bills[0], receipt_no=paper(1)),
        agent.pay(2, bills[1], receipt_no=paper(2)),
        altered,
        {"kind": "payment", "line_no": "四"},
        agent.pay(5, bills[4], receipt_no=paper(5)),
        agent.pay(6, bills[3], receipt_no=paper(1)),
    ]
    answer = await bring(agent, batch(agent, lines))
    assert (answer.status_code, answer.json()["state"]) == (201, "received")
    await take(payments)
    batch_id = answer.json()["batch_id"]
    assert sorted(await results(agent, batch_id), key=str) == sorted(
        [
            (1, "settled", None),
            (2, "settled", None),
            (3, "refused", "hash_differs"),
            (None, "refused", "malformed"),
            (5, "surplus", "already_paid"),
            (6, "suspense", "receipt_used"),
        ],
        key=str,
    )
    shown = (await agent.client.get(f"/v1/ledger-batches/{batch_id}", params={"pool": POOL})).json()
    assert (shown["state"], shown["lines_taken"], shown["refused_count"]) == ("taken", 6, 2)
    refused = await agent.client.get(f"/v1/ledger-batches/{batch_id}/refused", params={"pool": POOL})
    rows = [json.loads(row) for row in refused.text.splitlines()]
    assert [(row["row"], row["reason"], row["line"]["line_no"]) for row in rows] == [
        (4, "hash_differs", 3),
        (5, "malformed", "四"),
    ]
    assert "应为整数" in rows[1]["detail"]
    # Mended, they come again under their numbers.
    mended = [agent.pay(3, bills[2], receipt_no=paper(3)), agent.spoil(4)]
    assert await taken(payments, agent, batch(agent, mended, batch_no="2")) == [
        (3, "settled", None),
        (4, "spoiled", None),
    ]
    assert (await balances(payments))[agent.account] == 5 * 32000


async def test_twice_in_halves_and_in_any_order_it_is_booked_once(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 6)
    agent = await Agent.open(payments)
    await blocks(payments, 6)
    lines = [agent.pay(at, bill, receipt_no=paper(at)) for at, bill in enumerate(bills, start=1)]
    halves = [batch(agent, lines[3:], batch_no="b"), batch(agent, lines[:3], batch_no="a"), batch(agent, lines)]
    for data in (*halves, *reversed(halves)):
        assert {outcome for _, outcome, _ in await taken(payments, agent, data)} == {"settled"}
    await agent.send(lines[:2])  # and once more with network
    assert (await summary(payments))["receipts"] == {"issued": 6, "voided": 0, "gaps": 0, "duplicates": 0}
    assert (await balances(payments))[agent.account] == 6 * 32000


async def spoiled_numbers(suite: InProcessSuite) -> list[int]:
    async with suite.apps["payments"].state.service.database.reading() as tx:
        rows = await tx.rows("select number from receipt_unissued where cause = 'spoiled' order by number")
    return [row["number"] for row in rows]


async def test_a_line_number_that_comes_twice_spoils_the_paper_of_the_line_that_stands(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000])
    agent = await Agent.open(payments)
    await blocks(payments, 4)
    twice = [agent.spoil(1, receipt_no=paper(1)), agent.spoil(1, receipt_no=paper(2))]
    assert await taken(payments, agent, batch(agent, twice)) == [
        (1, "spoiled", None),
        (1, "refused", "line_no_reused"),
    ]
    assert await spoiled_numbers(payments) == [1]
    good = batch(agent, [agent.pay(2, bills[0], receipt_no=paper(2))], batch_no="2")
    assert await taken(payments, agent, good) == [(2, "settled", None)]
    # The first of the two is at fault: the second stands, with its own paper, or with the same.
    altered = {**agent.spoil(3, receipt_no=paper(3)), "reason": "撕毁"}
    again = [altered, agent.spoil(3, receipt_no=paper(4)), {**agent.spoil(4, receipt_no=paper(3)), "reason": "撕毁"}]
    assert await taken(payments, agent, batch(agent, [*again, agent.spoil(4, receipt_no=paper(3))], batch_no="3")) == [
        (3, "refused", "hash_differs"),
        (3, "spoiled", None),
        (4, "refused", "hash_differs"),
        (4, "spoiled", None),
    ]
    assert await spoiled_numbers(payments) == [1, 3, 4]


async def test_the_number_on_a_spoiled_line_is_the_one_that_became_no_receipt(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    await blocks(payments, 2)
    await taken(payments, agent, batch(agent, [agent.spoil(1, receipt_no=paper(1)), agent.spoil(2)]))
    for number, broken in ((2, {"spoiled_line_gave_up_its_number"}), (1, set())):
        async with payments.apps["payments"].state.service.database.writing() as tx:
            await tx.execute("update receipt_unissued set number = :number", number=number)
        found = (await payments.invariants_broken()).get("payments", [])
        assert {item["name"] for item in found} == broken


async def test_a_correction_that_came_first_is_taken_when_the_file_comes_again(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    agent = await Agent.open(payments)
    first, later = batch(agent, [agent.pay(1, bill)]), batch(agent, [agent.contrary(2, 1)], batch_no="2")
    assert await taken(payments, agent, later) == [(2, "refused", "line_unknown")]
    assert await taken(payments, agent, first) == [(1, "settled", None)]
    assert await taken(payments, agent, later) == [(2, "reversed", None)]
    assert await taken(payments, agent, later) == [(2, "reversed", None)]
    assert agent.account not in await balances(payments)


@pytest.mark.channel("agent: signed line")
@pytest.mark.rule("S004-25")
async def test_a_line_is_corrected_after_signing_only_by_a_contrary_line(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 32000])
    agent = await Agent.open(payments)
    first = agent.pay(1, bills[0], method="wechat", paid_into="村委会收款码 02")
    await taken(payments, agent, batch(agent, [first]))
    shown = await agent.client.get(f"/v1/ledgers/{agent.ledger_id}/lines", params={"pool": POOL})
    [line] = shown.json()["items"]
    assert (line["content"]["method"], line["content"]["paid_into"]) == ("wechat", "村委会收款码 02")
    other = agent.pay(1, bills[1], method="alipay")  # the same number, signed once more with other words
    assert await taken(payments, agent, batch(agent, [other], batch_no="2")) == [(1, "refused", "line_no_reused")]
    right = [agent.contrary(2, 1), agent.pay(3, bills[1], method="alipay")]
    assert await taken(payments, agent, batch(agent, right, batch_no="3")) == [
        (2, "reversed", None),
        (3, "settled", None),
    ]
    slip = (await agent.slip([{"receipt_no": "V1-00000002", "collection_id": None}])).json()
    assert (await check(checker(payments, "town-a"), slip)).status_code == 200
    late = batch(agent, [agent.contrary(4, 3)], batch_no="4")
    assert await taken(payments, agent, late) == [(4, "refused", "handed_over")]


@pytest.mark.channel("agent: paid twice")
async def test_who_paid_the_agent_twice_has_it_owed_back(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    agent, other = await Agent.open(payments), await Agent.open(payments, "agent-qian", unit_code="V2")
    await blocks(payments, 2)
    data = batch(agent, [agent.pay(1, bill, receipt_no=paper(1)), agent.pay(2, bill, receipt_no=paper(2))])
    assert await taken(payments, agent, data) == [(1, "settled", None), (2, "surplus", "already_paid")]
    assert await taken(payments, other, batch(other, [other.pay(1, bill)])) == [(1, "surplus", "already_paid")]
    found = await balances(payments)
    assert (found["surplus"], found["premium/person"]) == (-64000, -32000)


# ---------------------------------------------------------------- what is refused whole


async def test_a_file_that_is_not_whole_or_not_the_agents_changes_nothing(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    agent = await Agent.open(payments)
    other = await Agent.open(payments, "agent-qian", unit_code="V2")
    line = agent.pay(1, bill)
    whole = batch(agent, [line])
    codes = {}
    for name, data in {
        "cut": whole[:-200],
        "empty": b"",
        "of another ledger": batch(other, [line]),
        "signed by another": other.device.signed_batch(
            POOL, agent.ledger_id, [line], agent=agent.name, batch_no="1", made_at=AT
        ),
        "of another agent": batch(agent, [line], agent="agent-qian"),
        "tomorrow": batch(agent, [line], made_at="2021-12-07T10:00:00+08:00"),
    }.items():
        answer = await bring(agent, data)
        codes[name] = (answer.status_code, answer.json()["code"])
    assert codes == {
        "cut": (422, "ledger_batch_unreadable"),
        "empty": (422, "empty_upload"),
        "of another ledger": (422, "ledger_batch_unreadable"),
        "signed by another": (422, "ledger_batch_not_signed"),
        "of another agent": (422, "ledger_batch_not_signed"),
        "tomorrow": (422, "ledger_batch_not_signed"),
    }
    assert (await agent.totals())["last_line_no"] == 0
    stranger = payments.client("payments", "payments:read payments:write", user="x", area="140581")
    assert (await bring(agent, whole, client=stranger)).status_code == 403
    colleague = payments.client("payments", "payments:read payments:write", user="town-clerk", area="140522108")
    assert (await bring(agent, whole, client=colleague)).status_code == 201


@pytest.mark.rule("S004-26")
async def test_the_last_second_counts_by_when_the_agent_took_it_and_a_closed_ledger_takes_nothing(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000] * 3)
    agent = await Agent.open(payments)
    payments.set_clock("2021-12-27 10:00")
    lines = [
        agent.pay(1, bills[0], paid_at="2021-12-25T23:59:59+08:00"),
        agent.pay(2, bills[1], paid_at="2021-12-26T00:00:00+08:00"),
    ]
    assert await taken(payments, agent, batch(agent, lines)) == [
        (1, "settled", None),
        (2, "suspense", "outside_window"),
    ]
    assert (await close(payments, agent)).status_code == 200
    late = batch(agent, [agent.pay(3, bills[2])], batch_no="2")
    assert await taken(payments, agent, late) == [(3, "refused", "ledger_closed")]


# ---------------------------------------------------------------- two at once, killed in between


async def test_two_workers_take_a_batch_once(payments: InProcessSuite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecase, "CHUNK_LINES", 3)
    bills = await issue_bills(payments, [32000] * 10)
    agent = await Agent.open(payments)
    await blocks(payments, 10)
    lines = [agent.pay(at, bill, receipt_no=paper(at)) for at, bill in enumerate(bills, start=1)]
    answers = await asyncio.gather(*[bring(agent, batch(agent, lines)) for _ in range(3)])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    second = payments.make_app("payments")
    await asyncio.gather(*[
        usecase.take_ledger_batches(app.state.service) for app in (payments.apps["payments"], second)
    ])  # fmt: skip
    await close_app(second)
    assert {outcome for _, outcome, _ in await results(agent, answers[0].json()["batch_id"])} == {"settled"}
    assert (await balances(payments))[agent.account] == 320000


async def test_a_worker_that_dies_leaves_a_batch_where_another_goes_on(
    payments: InProcessSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecase, "CHUNK_LINES", 2)
    bills = await issue_bills(payments, [32000] * 5)
    agent = await Agent.open(payments)
    lines = [agent.pay(at, bill) for at, bill in enumerate(bills, start=1)]
    batch_id = (await bring(agent, batch(agent, lines))).json()["batch_id"]
    service = payments.apps["payments"].state.service
    data = usecase._lines(batch(agent, lines))
    assert await usecase._take_chunk(service, POOL, batch_id, data)  # and here it is killed
    shown = (await agent.client.get(f"/v1/ledger-batches/{batch_id}", params={"pool": POOL})).json()
    assert (shown["state"], shown["lines_taken"]) == ("received", 2)
    await take(payments)
    assert [outcome for _, outcome, _ in await results(agent, batch_id)] == ["settled"] * 5


# ---------------------------------------------------------------- the example


async def test_the_example_telephone_makes_a_file_that_is_taken(payments: InProcessSuite, tmp_path: Path) -> None:
    bills = await issue_bills(payments, [32000, 32000])
    agent = await Agent.open(payments)
    await blocks(payments, 2)
    payments.set_clock("2030-01-01 10:00")  # the telephone has a clock of its own
    key, written, made = tmp_path / "phone.key", tmp_path / "lines.jsonl", tmp_path / "batch.jsonl"
    about = {"payer_name": "王小明", "paid_at": AT, "method": "wechat", "amount_fen": 32000, "signed_at": AT}
    rows = [
        {"kind": "payment", "line_no": 1, "bill_no": bills[0].bill_no, "receipt_no": paper(1), **about},
        {"kind": "payment", "line_no": 2, "bill_no": bills[1].bill_no, "payer_image": "oss://1.jpg", **about},
        {"kind": "contrary", "line_no": 3, "contrary_of": 2, "reason": "重复", "payer": "王小明", "signed_at": AT},
        {"kind": "spoiled", "line_no": 4, "reason": "漏页", "receipt_no": paper(2), "signed_at": AT},
    ]
    written.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert offline.main(["key", str(key)]) == 0
    body = {"pool": POOL, "public_key": offline._device(key).public_key, "label": "备用手机"}
    assert (await post(agent.client, "/v1/agents/devices", body)).status_code == 201
    given_ = ["--pool", POOL, "--ledger-id", agent.ledger_id, "--agent", agent.name, "--batch-no", "1"]
    assert offline.main(["sign", str(key), *given_, str(written), str(made)]) == 0
    assert await taken(payments, agent, made.read_bytes()) == [
        (1, "settled", None),
        (2, "settled", None),
        (3, "reversed", None),
        (4, "spoiled", None),
    ]
