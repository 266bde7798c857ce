"""Lines of an agent's ledger (S004-24, S004-25): an agent has taken the money when a line is written, so it is booked.

A batch is taken line by line: what is rightly signed is kept, what is not comes back with its reason. Lines of one book
come one after the other (its row is locked), in the order of their numbers; what they say about bills goes through
`settle` and `reverse`. Locks: the ledger, then all bills of the batch at once, then what settling takes.
"""

from collections.abc import Mapping, Sequence
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
from ..schemas import ledger_problems as problems
from ..schemas import ledgers as wire
from ..store import bills as bill_store
from ..store import ledgers as store
from ..store import reversing as reversing_store
from .reversing import reverse
from .settling import Payment, settle
from .suite import Payments

_Lines = Sequence[wire.PaymentLine | wire.ContraryLine | wire.SpoiledLine]


async def record_ledger_lines(
    service: Payments, caller: Caller, once: Once, ledger_id: UUID, order: wire.LedgerLines
) -> Answer:
    """Write lines into one's own ledger and book their money; the same line again has no second effect.

    Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN, LEDGER_OF_ANOTHER; what is wrong with a line stands in its answer.
    """
    lines = sorted(order.lines, key=lambda line: line.line_no)
    hashes = [formats.line_hash(order.pool, ledger_id, line.model_dump()) for line in lines]

    async def work(tx: Writer) -> Answer:
        ledger = await store.lock_ledger(tx, order.pool, ledger_id)
        if ledger is None:
            raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
        caller.require_region(ledger["region"])
        if ledger["agent"] != caller.subject:
            raise problems.LEDGER_OF_ANOTHER(ledger_id=ledger_id, agent=ledger["agent"])
        now = service.clock.now()
        book = await store.lines_of(tx, order.pool, ledger_id, _numbers(lines))
        keys = await store.keys_of(tx, order.pool, ledger["agent"])
        verdicts = rules.judge_lines(
            rules.LedgerStatus(ledger["status"]),
            {line_no: _standing(row) for line_no, row in book.items()},
            [
                _offered(line, hash_, None if line.line_no in book else _fault(line, hash_, ledger["agent"], keys, now))
                for line, hash_ in zip(lines, hashes, strict=True)
            ],
        )
        new = [
            (line, hash_)
            for line, hash_, verdict in zip(lines, hashes, verdicts, strict=True)
            if not verdict.known and verdict.fault is None
        ]
        written = await _write(tx, ledger, new, book, now)
        answers = {
            id(line): _result(line.line_no, verdict, written.get(line.line_no) or book.get(line.line_no))
            for line, verdict in zip(lines, verdicts, strict=True)
        }
        items = {"items": [answers[id(line)] for line in order.lines]}
        return Answer(201, wire.LedgerLinesAnswer.model_validate(items).model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)


def _numbers(lines: _Lines) -> list[int]:
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
    """What is wrong with a line's signatures and instants (S004-25: payer and agent both sign)."""
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


async def _write(
    tx: Writer, ledger: Row, new: Sequence[tuple[Any, str]], book: Mapping[int, Row], now: datetime
) -> dict[int, Mapping[str, Any]]:
    """Book the money of new lines and write them down; what became of each, by number."""
    money: dict[int, Mapping[str, Any]] = dict(book)
    await _lock_bills(tx, ledger["pool"], new, book)
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
            money |= {line.line_no: _NO_MONEY for line in lines}
    rows = [_row(ledger, line, hash_, money[line.line_no], now) for line, hash_ in new]
    await store.insert_lines(tx, rows)
    if rows:
        await store.raise_version(tx, ledger["pool"], ledger["ledger_id"])
    return {line.line_no: money[line.line_no] for line, _ in new}


async def _lock_bills(tx: Writer, pool: str, new: Sequence[tuple[Any, str]], book: Mapping[int, Row]) -> None:
    """All bills of the batch in one order, because runs of payments and of contrary lines take them piecemeal."""
    bill_nos = [line.bill_no for line, _ in new if isinstance(line, wire.PaymentLine)]
    taken_back = [line.contrary_of for line, _ in new if isinstance(line, wire.ContraryLine)]
    ids = [book[line_no]["collection_id"] for line_no in taken_back if line_no in book]
    # The bill that money pays now: since a revision it is not the one that stands on its line.
    await bill_store.lock_bills(tx, pool, bill_nos + await reversing_store.settled_bills(tx, pool, ids))


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
}
