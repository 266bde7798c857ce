"""Breaks (差错): shown, and resolved by two people. One proposes what to do, another approves, and then it is done.

What each resolution does stands in `resolving`. Nothing edits the ledger.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import Channel
from shared.database import Reader, Row, Writer
from shared.idempotency import Answer, Once
from shared.money import yuan
from shared.pages import LIMIT, page
from shared.sheets import write_sheet
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import reconciling as rules
from ..rules import settlements as money
from ..schemas import ledger_problems
from ..schemas import statement_problems as problems
from ..schemas import statements as wire
from ..store import breaks as store
from ..store import settlements as settlement_store
from ..store import statements as statement_store
from ..store import withholding as withholding_store
from .money_breaks import concerns_money, resolve_money
from .resolving import resolve
from .statements import text_of_line
from .suite import Payments


async def list_breaks(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None,
    channel: money.Source | None,
    statement_id: UUID | None,
) -> dict[str, Any]:
    """Breaks in the order in which they were opened. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_breaks(
            tx, pool, after=after, limit=limit, state=state, channel=channel, statement_id=statement_id
        )
    return page([_shown(service, row) for row in rows], limit, lambda row: row["exception_id"])


async def read_break(service: Payments, caller: Caller, pool: str, break_id: UUID) -> dict[str, Any]:
    """One break. Raises Problem BREAK_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return _shown(service, await _known(tx, pool, break_id))


async def export_breaks(service: Payments, caller: Caller, pool: str, state: str | None) -> bytes:
    """Breaks as an XLSX for clerks. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    table: list[list[str]] = []
    async with service.database.reading() as tx:
        after: UUID | None = None
        while True:
            rows = await store.list_breaks(tx, pool, after=after, limit=LIMIT, state=state)
            table += _cells(service, rows[:LIMIT])
            if len(rows) <= LIMIT:
                break
            after = rows[LIMIT - 1]["break_id"]
    return write_sheet("xlsx", _COLUMNS, table)


async def propose(
    service: Payments, caller: Caller, once: Once, break_id: UUID, version: int, order: wire.ResolutionProposal
) -> Answer:
    """Propose what to do about a break; who proposes becomes its owner. A later proposal takes the place of an earlier.

    Raises Problem BREAK_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, BREAK_NOT_IN_STATE, RESOLUTION_NOT_POSSIBLE.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        row = await _locked(tx, order.pool, break_id, version, rules.BreakAct.PROPOSE)
        possible = _possible(row)
        if order.resolution not in possible:
            raise _not_possible(row, order.resolution, possible)
        # From here it must succeed.
        now = service.clock.now()
        changes = {
            "state": rules.BREAK_TRANSITIONS[rules.BreakState(row["state"]), rules.BreakAct.PROPOSE],
            "resolution": order.resolution,
            "reason": order.reason,
            "bill_no": order.bill_no,
            "proposed_by": caller.subject,
            "proposed_at": now,
            "owner": caller.subject,
        }
        await store.change_break(tx, order.pool, break_id, changes)
        _audit(service, tx, caller, row, "break.proposed", order.resolution)
        return Answer(200, _shown(service, await _known(tx, order.pool, break_id)))

    return await once.run(service.database, order.pool, work)


async def approve(
    service: Payments, caller: Caller, once: Once, break_id: UUID, version: int, order: wire.ResolutionApproval
) -> Answer:
    """A second person's word: approved, the resolution takes effect in this transaction; returned, the break is open.

    Raises Problem BREAK_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, BREAK_NOT_IN_STATE, FOUR_EYES,
    RESOLUTION_NOT_POSSIBLE, and what the resolution itself refuses.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        row = await _locked(tx, order.pool, break_id, version, rules.BreakAct.RESOLVE)
        if caller.subject in [row[hand] for hand in rules.MAY_NOT_APPROVE]:
            raise ledger_problems.FOUR_EYES(subject=caller.subject)
        if order.result == "returned":
            changes = _open_again(row, rules.BreakAct.RETURN) | {"answer": order.note}
        else:
            changes = await _take_effect(service, tx, caller, row, order)
        await store.change_break(tx, order.pool, break_id, changes)
        _audit(service, tx, caller, row, f"break.{order.result}", row["resolution"])
        return Answer(200, _shown(service, await _known(tx, order.pool, break_id)))

    return await once.run(service.database, order.pool, work)


async def _take_effect(
    service: Payments, tx: Writer, caller: Caller, row: Row, order: wire.ResolutionApproval
) -> dict[str, Any]:
    resolution, now = rules.Resolution(row["resolution"]), service.clock.now()
    act = rules.act_of(resolution)
    if act is rules.BreakAct.WAIT:
        later = rules.due_on(business_day(now), service.settings.break_due_days)
        return _open_again(row, act) | {"answer": order.note, "due_on": later, "overdue": False}
    take_effect = resolve_money if concerns_money(row) else resolve
    booked_id = await take_effect(service, tx, row, resolution, caller.subject, now)
    return {
        "state": rules.BREAK_TRANSITIONS[rules.BreakState(row["state"]), act],
        "approved_by": caller.subject,
        "approved_at": now,
        "answer": order.note,
        "booked_id": booked_id,
        "overdue": False,
    }


def _open_again(row: Row, act: rules.BreakAct) -> dict[str, Any]:
    state = rules.BREAK_TRANSITIONS[rules.BreakState(row["state"]), act]
    return {"state": state, **dict.fromkeys(("resolution", "reason", "bill_no", "proposed_by", "proposed_at"))}


async def _locked(tx: Writer, pool: str, break_id: UUID, version: int, act: rules.BreakAct) -> Row:
    """The break with its row, able to take `act`. It is locked last, as everywhere: after its statement and, where
    money is on its way, after the settlements; without a statement after the line of withholding it is about."""
    seen = await _known(tx, pool, break_id)
    if seen["statement_id"]:
        await statement_store.lock_statement(tx, pool, seen["statement_id"], wait=True)
    if concerns_money(seen):
        await settlement_store.hold(tx, pool)
    elif seen["collection_id"] and not seen["statement_id"]:
        await withholding_store.lock_lines_of(tx, pool, [seen["collection_id"]])
    await store.lock_break(tx, pool, break_id)
    row = await _known(tx, pool, break_id)
    require_version(row["version"], version)
    if (rules.BreakState(row["state"]), act) not in rules.BREAK_TRANSITIONS:
        raise problems.BREAK_NOT_IN_STATE(state=row["state"], act=act, act_zh=_ACTS[act])
    return row


async def _known(tx: Reader, pool: str, break_id: UUID) -> Row:
    row = await store.find_break(tx, pool, break_id)
    if row is None:
        raise problems.BREAK_UNKNOWN(break_id=break_id)
    return row


def _possible(row: Mapping[str, Any]) -> tuple[rules.Resolution, ...]:
    if row["state"] not in rules.UNSETTLED:
        return ()
    if concerns_money(row):
        return money.resolutions_of(rules.BreakKind(row["kind"]), readable=bool(row["line_fen"]))
    line = rules.LineKind(row["line_kind"]) if row["line_kind"] else None
    return rules.resolutions_of(
        rules.BreakKind(row["kind"]),
        Channel(row["channel"]),
        line,
        readable=bool(row["line_fen"]),
        ours=row["our_fen"] is not None,
        single=row["collection_id"] is not None,
    )


def _not_possible(row: Row, wanted: str, possible: tuple[rules.Resolution, ...]) -> Exception:
    kind = rules.BreakKind(row["kind"])
    return problems.RESOLUTION_NOT_POSSIBLE(
        kind=kind, kind_zh=rules.words_of(kind), resolution=wanted, possible=", ".join(possible)
    )


def _audit(service: Payments, tx: Writer, caller: Caller, row: Row, action: str, resolution: str) -> None:
    detail = {"break_id": str(row["break_id"]), "kind": row["kind"], "resolution": resolution}
    tx.audit(row["pool"], action, caller.client_id, caller.subject, service.clock.now(), [], detail)


def _text(service: Payments, row: Mapping[str, Any]) -> str | None:
    return text_of_line(service, row["statement_id"], row) if row["raw"] is not None else None


def _shown(service: Payments, row: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        **row,
        "exception_id": row["break_id"],
        "kind_words": rules.words_of(rules.BreakKind(row["kind"])),
        "text": _text(service, row),
        "possible": list(_possible(row)),
    }
    return wire.StatementException.model_validate(told, extra="ignore").model_dump(mode="json")


def _cells(service: Payments, rows: Any) -> Iterator[list[str]]:
    for row in rows:
        amounts = [yuan(row[name]) if row[name] is not None else "" for name in ("channel_fen", "our_fen")]
        yield [
            str(row["break_id"]),
            rules.words_of(rules.BreakKind(row["kind"])),
            row["channel"],
            row["institution"],
            row["day"].isoformat(),
            str(row["line_no"] or ""),
            row["reference"] or "",
            row["order_no"] or "",
            *amounts,
            row["state"],
            row["owner"],
            row["due_on"].isoformat(),
            "是" if row["overdue"] else "",
            row["resolution"] or "",
            row["reason"] or "",
            row["proposed_by"] or "",
            row["approved_by"] or "",
            _text(service, row) or "",
        ]


_COLUMNS = [
    *("编号", "差错", "渠道", "机构", "对账日", "行号", "渠道流水号", "订单号或应缴单号"),
    *("渠道金额(元)", "我方金额(元)", "状态", "责任人", "到期日", "逾期", "处理", "理由", "提出人", "复核人", "原文"),
]
_ACTS = {rules.BreakAct.PROPOSE: "提出处理", rules.BreakAct.RESOLVE: "复核"}
