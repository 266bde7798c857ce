"""Lines of an agent's ledger (S004-24, S004-25): an agent has taken the money when a line is written, so it is booked.

A batch is taken line by line: what is rightly signed is kept, what is not comes back with its reason. Lines of one book
come one after the other (its row is locked), in the order of their numbers; what they say about bills goes through
`settle` and `reverse`. Locks: the ledger, then all bills of the batch at once, then the collections that it takes back,
then what settling takes: a refund holds its collection when it asks for the receipt books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from shared.codes import Channel
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.tokens import Caller

from ..formats import ledgers as formats
from ..rules import ledgers as rules
from ..rules.accounts import held_by_agent
from ..rules.blocks import Cause
from ..schemas import ledger_problems as problems
from ..schemas import ledgers as wire
from ..store import bills as bill_store
from ..store import blocks as block_store
from ..store import ledgers as store
from ..store import reversing as reversing_store
from .numbering import Printed, read_printed, unissued
from .reversing import reverse
from .settling import Payment, settle
from .suite import Payments

Lines = Sequence[wire.PaymentLine | wire.ContraryLine | wire.SpoiledLine]


async def record_ledger_lines(
    service: Payments, caller: Caller, once: Once, ledger_id: UUID, order: wire.LedgerLines
) -> Answer:
    """Write lines into one's own ledger and book their money; the same line again has no second effect.

    Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN, LEDGER_OF_ANOTHER; what is wrong with a line stands in its answer.
    """

    async def work(tx: Writer) -> Answer:
        ledger = await store.lock_ledger(tx, order.pool, ledger_id)
        if ledger is None:
            raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
        caller.require_region(ledger["region"])
        if ledger["agent"] != caller.subject:
            raise problems.LEDGER_OF_ANOTHER(ledger_id=ledger_id, agent=ledger["agent"])
        items = {"items": await write_lines(tx, ledger, order.lines, service.clock.now())}
        return Answer(201, wire.LedgerLinesAnswer.model_validate(items).model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)


async def write_lines(tx: Writer, ledger: Row, offered: Lines, now: datetime) -> list[dict[str, Any]]:
    """Write lines into a locked ledger, by their numbers; what became of each, in the order in which they are given."""
    pool, ledger_id, agent = ledger["pool"], ledger["ledger_id"], ledger["agent"]
    lines = sorted(offered, key=lambda line: line.line_no)
    hashes = [formats.line_hash(pool, ledger_id, line.model_dump()) for line in lines]
    book = await store.lines_of(tx, pool, ledger_id, _numbers(lines))
    keys = await store.keys_of(tx, pool, agent)
    await _lock_money(tx, pool, lines, book)
    faults = {
        id(line): _fault(line, hash_, agent, keys, now)
        for line, hash_ in zip(lines, hashes, strict=True)
        if line.line_no not in book
    }
    spoiled = await _spoiled_receipts(tx, ledger, [line for line in lines if id(line) in faults], faults)
    faults |= {key: rules.LineFault(receipt.fault) for key, receipt in spoiled.items() if receipt.fault}
    verdicts = rules.judge_lines(
        rules.LedgerStatus(ledger["status"]),
        {line_no: _standing(row) for line_no, row in book.items()},
        [_offered(line, hash_, faults.get(id(line))) for line, hash_ in zip(lines, hashes, strict=True)],
    )
    new = [
        (line, hash_)
        for line, hash_, verdict in zip(lines, hashes, verdicts, strict=True)
        if not verdict.known and verdict.fault is None
    ]
    written = await _write(tx, ledger, new, book, spoiled, now)
    answers = {
        id(line): _result(line.line_no, verdict, written.get(line.line_no) or book.get(line.line_no))
        for line, verdict in zip(lines, verdicts, strict=True)
    }
    return [answers[id(line)] for line in offered]


def _numbers(lines: Lines) -> list[int]:
    """The numbers that a batch is about: its own, and those it takes back."""
    return [line.line_no for line in lines] + [
        line.contrary_of for line in lines if isinstance(line, wire.ContraryLine)
    ]


def _standing(row: Row) -> rules.BookLine:
    return rules.BookLine(
        rules.LineKind(row["kind"]),
        row["line_hash"],
        row["payer_name"],
        row["contrary"],
        row["handed_over"],
        row["paid_back"],
    )


def _offered(line: Any, hash_: str, fault: rules.LineFault | None) -> rules.OfferedLine:
    payer = None
    if isinstance(line, wire.PaymentLine):
        payer = line.payer_name
    elif isinstance(line, wire.ContraryLine):
        payer = line.payer_signature.signer
    return rules.OfferedLine(
        line.line_no,
        rules.LineKind(line.kind),
        hash_,
        payer,
        line.contrary_of if isinstance(line, wire.ContraryLine) else None,
        fault,
    )


def _fault(line: Any, hash_: str, agent: str, keys: Sequence[str], now: datetime) -> rules.LineFault | None:
    """What is wrong with a line's signatures or its instants (S004-25: both sign)."""
    signatures: dict[str, wire.LineSignature] = {"agent": line.agent_signature}
    if not isinstance(line, wire.SpoiledLine):
        signatures["payer"] = line.payer_signature
    if any(signature.line_hash != hash_ for signature in signatures.values()):
        return rules.LineFault.HASH_DIFFERS
    payment = isinstance(line, wire.PaymentLine)
    if signatures["agent"].signer != agent or (payment and signatures["payer"].signer != line.payer_name):
        return rules.LineFault.SIGNER_DIFFERS
    for role, signature in signatures.items():
        made = signature.ed25519
        if made and not formats.is_signed_by(keys, made, role, signature.signer, signature.signed_at, hash_):
            return rules.LineFault.SIGNATURE_INVALID
    signed_at = [signature.signed_at for signature in signatures.values()]
    return rules.instants_fault(line.paid_at if payment else None, signed_at, now)


@dataclass(frozen=True)
class _Paper:
    """A receipt on paper, as numbering asks for it."""

    book_code: str
    taken_by: str
    receipt_no: str | None


async def _spoiled_receipts(
    tx: Writer, ledger: Row, lines: Lines, faults: Mapping[int, rules.LineFault | None]
) -> dict[int, Printed]:
    """The receipts that new lines without fault say were spoiled, by the `id` of the line: a number may come twice.

    What a payment has is not spoiled, even where its line comes back: mended, it comes again with its paper.
    """
    given_up = [line for line in lines if isinstance(line, wire.SpoiledLine) and line.receipt_no]
    spoiled = [line for line in given_up if not faults[id(line)]]
    if not spoiled:
        return {}
    paid = [line for line in lines if isinstance(line, wire.PaymentLine)]
    numbers = [line.receipt_no for line in paid] + [line.receipt_no for line in spoiled]
    papers = [_Paper(ledger["unit_code"], ledger["agent"], number) for number in numbers]
    printed = await read_printed(tx, ledger["pool"], papers)
    return {id(line): printed[at] for at, line in enumerate(spoiled, start=len(paid))}


async def _write(
    tx: Writer,
    ledger: Row,
    new: Sequence[tuple[Any, str]],
    book: Mapping[int, Row],
    spoiled: Mapping[int, Printed],
    now: datetime,
) -> dict[int, Mapping[str, Any]]:
    """Book the money of new lines and write them down; what became of each, by number."""
    money: dict[int, Mapping[str, Any]] = dict(book)
    # From here it must succeed.
    for kind, run in groupby((line for line, _ in new), key=lambda line: rules.LineKind(line.kind)):
        lines = list(run)
        if kind is rules.LineKind.PAYMENT:
            booked = await settle(tx, ledger["pool"], [_payment(ledger, line) for line in lines], now)
            money |= {line.line_no: row for line, row in zip(lines, booked, strict=True)}
        elif kind is rules.LineKind.CONTRARY:
            for line in lines:
                money[line.line_no] = {
                    **money[line.contrary_of],
                    "outcome": "reversed",
                    "reason": None,
                    "receipt_no": None,
                }
            ids = [money[line.contrary_of]["collection_id"] for line in lines]
            await reverse(tx, ledger["pool"], ids, f"ledger/{ledger['ledger_id']}", now)
        else:
            given_up = [spoiled[id(line)] for line in lines if id(line) in spoiled]
            rows = [unissued(ledger["pool"], one, Cause.SPOILED, ledger["agent"], now) for one in given_up]
            await block_store.insert_unissued(tx, rows)
            money |= {line.line_no: _NO_MONEY for line in lines}
    rows = [_row(ledger, line, hash_, money[line.line_no], now) for line, hash_ in new]
    await store.insert_lines(tx, rows)
    if rows:
        await store.raise_version(tx, ledger["pool"], ledger["ledger_id"])
    return {line.line_no: money[line.line_no] for line, _ in new}


async def _lock_money(tx: Writer, pool: str, lines: Lines, book: Mapping[int, Row]) -> None:
    """All bills of the batch, then its collections: runs of payments and of contrary lines take them piecemeal."""
    bill_nos = [line.bill_no for line in lines if isinstance(line, wire.PaymentLine)]
    taken_back = [line.contrary_of for line in lines if isinstance(line, wire.ContraryLine)]
    ids = [book[line_no]["collection_id"] for line_no in taken_back if line_no in book]
    # The bill that money pays now: since a revision it is not the one that stands on its line.
    await bill_store.lock_bills(tx, pool, bill_nos + await reversing_store.settled_bills(tx, pool, ids))
    await reversing_store.lock_collections(tx, pool, ids)


def _payment(ledger: Row, line: wire.PaymentLine) -> Payment:
    return Payment(
        channel=Channel.AGENT,
        method=line.method,
        reference=f"{ledger['ledger_id']}/{line.line_no}",
        bill_no=line.bill_no,
        amount_fen=line.amount_fen,
        paid_at=line.paid_at,
        payer_name=line.payer_name,
        payer_id=line.payer_id,
        region=ledger["region"],
        book_code=ledger["unit_code"],
        taken_by=ledger["agent"],
        shift_id=None,
        held_account=held_by_agent(ledger["ledger_id"]),
        message=line.model_dump(mode="json"),
        receipt_no=line.receipt_no,
    )


def _row(ledger: Row, line: Any, hash_: str, money: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "pool": ledger["pool"],
        "ledger_id": ledger["ledger_id"],
        "line_no": line.line_no,
        "kind": line.kind,
        "line_hash": hash_,
        "amount_fen": money["amount_fen"],
        "collection_id": money["collection_id"],
        "contrary_of": line.contrary_of if isinstance(line, wire.ContraryLine) else None,
        "content": line.model_dump(mode="json"),
        "received_at": now,
    }


def _result(line_no: int, verdict: rules.LineVerdict, money: Mapping[str, Any] | None) -> dict[str, Any]:
    fault = verdict.fault
    if fault or money is None:
        assert fault is not None
        shown = {"outcome": "refused", "reason": fault, "detail": _DETAILS[fault]} | _NOTHING_BOOKED
    else:
        shown = {name: money[name] for name in ("outcome", "collection_id", "receipt_no", "reason")} | {"detail": None}
    return {"line_no": line_no, "known": verdict.known, **shown}


_NOTHING_BOOKED = {"collection_id": None, "receipt_no": None}
_NO_MONEY: Mapping[str, Any] = {"outcome": "spoiled", "amount_fen": None, "reason": None, **_NOTHING_BOOKED}

_DETAILS: Mapping[rules.LineFault, str] = {
    rules.LineFault.LINE_NO_REUSED: "行号已用于另一笔，请改用下一行号",
    rules.LineFault.LEDGER_CLOSED: "台账已核实签字，不能再登记；请另开台账",
    rules.LineFault.HASH_DIFFERS: "签字所附哈希与本行内容不符，请按内容重新签字",
    rules.LineFault.SIGNER_DIFFERS: "签字人应为缴费人本人和台账登记人",
    rules.LineFault.SIGNATURE_INVALID: "签名不是由登记人已登记的设备作出，请重新签名",
    rules.LineFault.SIGNED_IN_FUTURE: "签字时间晚于当前时间，请核对设备时钟后重报",
    rules.LineFault.PAID_IN_FUTURE: "缴费时间晚于当前时间，请核对设备时钟后重报",
    rules.LineFault.LINE_UNKNOWN: "所冲行尚未上报，请先上报该行",
    rules.LineFault.NOT_A_PAYMENT: "所冲行不是收款行",
    rules.LineFault.ALREADY_CONTRARY: "所冲行已冲销，不能再冲",
    rules.LineFault.HANDED_OVER: "所冲行款项已列入缴款单，只能申请退费",
    rules.LineFault.PAID_BACK: "所冲行款项已退或正在退费，不能再冲",
    rules.LineFault.RECEIPT_FOREIGN: "作废的票据号不在本人领用的号段内，请核对纸质票据",
    rules.LineFault.RECEIPT_USED: "作废的票据号已使用或已登记作废，请核对纸质票据",
}
