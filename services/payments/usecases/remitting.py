"""Remittance (上解, S000-42…47, S002-30…32): what agents and towns hold goes up on slips, to the special account.

    held/agent/<ledger> ──slip──► held/town/<town> ──slip──► special_account
             └───────────────────slip────────────────────────────▲
    held/counter/<counter> ──deposit slip────────────────────────┤
    held/wechat · held/bank/… · held/etax ──accepted statement───┘  (`clearing.py`)

What an agent has taken goes up whole, whatever became of it: settled, in suspense, and surplus, too, even where it was
paid back meanwhile, because it is paid back from a drawer or through a channel and never by the agent. Only what a
contrary line took back is not in the agent's hands any more. A counter brings the cash of whole shifts to the bank.
So a held account ends at zero, and the special account holds what was collected, less refunds, plus what other payers
paid.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.problem import FieldError
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import SPECIAL_ACCOUNT, ShiftStatus
from ..rules import remittances as rules
from ..rules.accounts import INTEREST, SPECIAL_INTEREST, held_by_town
from ..schemas import ledger_problems as problems
from ..schemas import remittances as wire
from ..store import ledgers as ledger_store
from ..store import remittances as store
from ..store import settling as settling_store
from ..store import shifts as shift_store
from .posting import transfer
from .suite import Payments


async def submit_slip(service: Payments, caller: Caller, once: Once, order: wire.SlipOrder) -> Answer:
    """Write a slip; the money moves when a second person has confirmed it.

    Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN, DAY_AHEAD, NOT_REMITTABLE, TOTAL_DIFFERS, BANK_REFERENCE_USED.
    """
    holder = rules.Holder.of(order.from_account)

    async def work(tx: Writer) -> Answer:
        about = await _about(tx, caller, order, holder)
        now = service.clock.now()
        if order.paid_on > business_day(now):
            raise problems.DAY_AHEAD(day=order.paid_on)
        item_ids: list[UUID] = about.pop("item_ids")
        remittance_id = new_id()
        row = {
            **order.model_dump(
                include={"pool", "from_account", "total_fen", "interest_fen", "paid_on", "bank_reference"}
            ),
            **about,
            "remittance_id": remittance_id,
            "ledger_id": holder.ledger_id,
            "submitted_by": caller.subject,
            "submitted_at": now,
        }
        if not await store.insert_slip(tx, row, item_ids, holder.items):
            found_fen = await store.total_of(tx, order.pool, item_ids, holder.items)
            if found_fen != order.total_fen:
                raise problems.TOTAL_DIFFERS(found_fen=found_fen, stated_fen=order.total_fen)
            raise problems.BANK_REFERENCE_USED(bank_reference=order.bank_reference)
        return Answer(201, _shown(await store.find_slip(tx, order.pool, remittance_id)))

    return await once.run(service.database, order.pool, work)


async def check_slip(
    service: Payments, caller: Caller, once: Once, remittance_id: UUID, version: int, order: wire.Check
) -> Answer:
    """A second person, in charge of whoever receives the money, confirms a slip or rejects it; confirmed money moves.

    Raises Problem SLIP_UNKNOWN, AREA_FORBIDDEN, FOUR_EYES, ALREADY_CHECKED, VERSION_DIFFERS.
    """

    async def work(tx: Writer) -> Answer:
        known = await store.find_slip(tx, order.pool, remittance_id)
        if known is None:
            raise problems.SLIP_UNKNOWN(remittance_id=remittance_id)
        # The ledger before its slip: of two last slips confirmed at once, the second sees that nothing is left.
        ledger = await ledger_store.lock_ledger(tx, order.pool, known["ledger_id"]) if known["ledger_id"] else None
        [slip] = await store.lock_slips(tx, order.pool, [remittance_id])
        _require_checkable(caller, slip, ledger, version)
        # From here it must succeed.
        now = service.clock.now()
        await store.check_slip(
            tx,
            {
                "pool": order.pool,
                "remittance_id": remittance_id,
                "status": order.result,
                "checked_by": caller.subject,
                "checked_at": now,
                "note": order.note,
            },
        )
        if order.result == "confirmed":
            await settling_store.insert_transfers(tx, _postings(slip, now))
            if ledger:
                await ledger_store.mark_remitted(tx, order.pool, ledger["ledger_id"])
        detail = {"remittance_id": str(remittance_id), "total_fen": slip["total_fen"]}
        tx.audit(order.pool, f"remittance.{order.result}", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _shown(await store.find_slip(tx, order.pool, remittance_id)))

    return await once.run(service.database, order.pool, work)


async def list_slips(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    status: str | None,
    from_account: str | None,
    to_account: str | None,
) -> dict[str, Any]:
    """Slips inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_slips(
            tx, pool, caller.area, after=after, limit=limit, status=status, from_account=from_account,
            to_account=to_account,
        )  # fmt: skip
    return page(rows, limit, lambda row: row["remittance_id"])


async def read_slip(service: Payments, caller: Caller, pool: str, remittance_id: UUID) -> Row:
    """One slip. Raises Problem SLIP_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await store.find_slip(tx, pool, remittance_id)
    if row is None:
        raise problems.SLIP_UNKNOWN(remittance_id=remittance_id)
    caller.require_region(row["region"])
    return row


async def list_slip_items(
    service: Payments, caller: Caller, pool: str, remittance_id: UUID, *, after: UUID | None, limit: int
) -> dict[str, Any]:
    """What stands in a slip. Raises Problem SLIP_UNKNOWN, AREA_FORBIDDEN."""
    await read_slip(service, caller, pool, remittance_id)
    async with service.database.reading() as tx:
        rows = await store.list_slip_items(tx, pool, remittance_id, after=after, limit=limit)
    return page(rows, limit, lambda row: row["item_id"])


async def list_overdue(
    service: Payments, caller: Caller, pool: str, *, as_of: datetime | None, after: str, limit: int
) -> dict[str, Any]:
    """Who holds money longer than the setting allows, in the caller's area (S002-32). Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    instant, allowed = as_of or service.clock.now(), service.settings.remit_within_days
    before = rules.overdue_before(instant, allowed)
    async with service.database.reading() as tx:
        rows = await store.list_overdue(tx, pool, caller.area, as_of=instant, before=before, after=after, limit=limit)
    today = business_day(instant)
    items = [{**row, "days": (today - business_day(row["held_since"])).days} for row in rows]
    return {"allowed_days": allowed, **page(items, limit, lambda row: row["account"])}


async def _about(tx: Writer, caller: Caller, order: wire.SlipOrder, holder: rules.Holder) -> dict[str, Any]:
    if holder.ledger_id:
        return await _from_agent(tx, caller, order, holder.ledger_id)
    if holder.counter:
        return await _from_counter(tx, caller, order, holder.counter)
    return await _from_town(tx, caller, order, holder.town or "")


async def _from_agent(tx: Writer, caller: Caller, order: wire.SlipOrder, ledger_id: UUID) -> dict[str, Any]:
    """What a slip of an agent is about, its money locked by the ledger's row."""
    ledger = await ledger_store.lock_ledger(tx, order.pool, ledger_id)
    if ledger is None:
        raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
    caller.require_region(ledger["region"])
    rows = await store.agent_money(tx, order.pool, order.receipts, order.collections)
    by_name: dict[object, Row] = {row["receipt_no"]: row for row in rows} | {row["collection_id"]: row for row in rows}
    named: list[tuple[str, object]] = [(f"/receipts/{at}", name) for at, name in enumerate(order.receipts)]
    named += [(f"/collections/{at}", name) for at, name in enumerate(order.collections)]
    faults = [(pointer, _money_fault(by_name.get(name), ledger_id)) for pointer, name in named]
    town = rules.town_of(ledger["region"])
    if order.to == "town" and town is None:
        faults.append(("/to", rules.ItemFault.NO_TOWN))
    _require_faultless(faults)
    return {
        "region": ledger["region"],
        "scheme": ledger["scheme"],
        "to_account": held_by_town(town) if order.to == "town" and town else SPECIAL_ACCOUNT,
        "item_ids": [by_name[name]["collection_id"] for _, name in named],
    }


async def _from_town(tx: Writer, caller: Caller, order: wire.SlipOrder, town: str) -> dict[str, Any]:
    """What a slip of a town is about, the slips in it locked."""
    caller.require_region(town)
    rows = {row["remittance_id"]: row for row in await store.lock_slips(tx, order.pool, order.slips)}
    _require_faultless(
        [(f"/slips/{at}", _slip_fault(rows.get(slip), order.from_account)) for at, slip in enumerate(order.slips)]
    )
    schemes = {row["scheme"] for row in rows.values()}
    return {
        "region": town,
        "scheme": schemes.pop() if len(schemes) == 1 else "",
        "to_account": SPECIAL_ACCOUNT,
        "item_ids": order.slips,
    }


async def _from_counter(tx: Writer, caller: Caller, order: wire.SlipOrder, counter_code: str) -> dict[str, Any]:
    """What a deposit slip of a counter is about, the shifts in it locked."""
    rows = {row["shift_id"]: row for row in await shift_store.lock_for_deposit(tx, order.pool, order.shifts)}
    for row in rows.values():
        caller.require_region(row["region"])
    _require_faultless(
        [(f"/shifts/{at}", _shift_fault(rows.get(shift), counter_code)) for at, shift in enumerate(order.shifts)]
    )
    return {
        "region": next(iter(rows.values()))["region"],
        "scheme": "",
        "to_account": SPECIAL_ACCOUNT,
        "item_ids": order.shifts,
    }


def _shift_fault(row: Row | None, counter_code: str) -> rules.ItemFault | None:
    if row is None:
        return rules.ItemFault.UNKNOWN
    if row["counter_code"] != counter_code:
        return rules.ItemFault.OF_ANOTHER
    if row["status"] != ShiftStatus.CLOSED:
        return rules.ItemFault.NOT_CLOSED
    if not row["deposit_fen"]:
        return rules.ItemFault.NO_CASH
    return rules.ItemFault.IN_ANOTHER_SLIP if row["in_slip"] else None


def _money_fault(row: Row | None, ledger_id: UUID) -> rules.ItemFault | None:
    if row is None:
        return rules.ItemFault.UNKNOWN
    if row["ledger_id"] != ledger_id:
        return rules.ItemFault.OF_ANOTHER
    if row["reversed"]:
        return rules.ItemFault.REVERSED
    return rules.ItemFault.IN_ANOTHER_SLIP if row["in_slip"] else None


def _slip_fault(row: Row | None, account: str) -> rules.ItemFault | None:
    if row is None:
        return rules.ItemFault.UNKNOWN
    if row["to_account"] != account:
        return rules.ItemFault.OF_ANOTHER
    if row["status"] != rules.SlipStatus.CONFIRMED:
        return rules.ItemFault.NOT_CONFIRMED
    return rules.ItemFault.IN_ANOTHER_SLIP if row["in_slip"] else None


def _require_faultless(faults: Sequence[tuple[str, rules.ItemFault | None]]) -> None:
    errors = [FieldError(pointer=pointer, code=fault, detail=_DETAILS[fault]) for pointer, fault in faults if fault]
    if errors:
        raise problems.NOT_REMITTABLE(errors=errors, count=len(errors))


def _require_checkable(caller: Caller, slip: Row, ledger: Row | None, version: int) -> None:
    """The ladder of refusals: who receives the money confirms it, never who hands it over or wrote the slip."""
    if slip["to_account"] == SPECIAL_ACCOUNT:
        caller.require_pool(slip["pool"])
    else:
        caller.require_region(rules.town_of(slip["region"]) or slip["region"])
    if caller.subject in (slip["submitted_by"], ledger["agent"] if ledger else None):
        raise problems.FOUR_EYES(subject=caller.subject)
    if (rules.SlipStatus(slip["status"]), rules.SlipAct.CONFIRM) not in rules.SLIP_TRANSITIONS:
        raise problems.ALREADY_CHECKED(status=slip["status"])
    require_version(slip["version"], version)


def _postings(slip: Row, now: datetime) -> list[dict[str, Any]]:
    """A confirmed slip moves its total; interest is accounted apart: premiums still equal heads (S000-44, S000-46)."""
    into, out_of, subject = slip["to_account"], slip["from_account"], slip["remittance_id"]
    rows = [transfer(slip, "remit", into, out_of, slip["total_fen"], subject, now)]
    if slip["interest_fen"]:
        rows.append(transfer(slip, "interest", SPECIAL_INTEREST, INTEREST, slip["interest_fen"], subject, now))
    return rows


def _shown(row: Any) -> dict[str, Any]:
    return wire.Slip.model_validate(dict(row)).model_dump(mode="json")


_DETAILS: Mapping[rules.ItemFault, str] = {
    rules.ItemFault.UNKNOWN: "没有这一项，或不是代收款",
    rules.ItemFault.OF_ANOTHER: "不属于该缴款人",
    rules.ItemFault.REVERSED: "已冲销，款项不在缴款人手中",
    rules.ItemFault.NOT_CONFIRMED: "下级缴款单尚未确认到账",
    rules.ItemFault.IN_ANOTHER_SLIP: "已列入另一缴款单",
    rules.ItemFault.NOT_CLOSED: "班次未结，或差额尚未处理",
    rules.ItemFault.NO_CASH: "班次没有应缴存的现金",
    rules.ItemFault.NO_TOWN: "台账不在乡镇之内，请直接缴入财政专户",
}
